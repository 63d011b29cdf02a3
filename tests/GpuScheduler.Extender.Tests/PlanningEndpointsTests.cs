using System.Net;
using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Extender.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>Two nodes with eight GPUs: one is full, and a gang of two with eight each waits.</summary>
public sealed class PlanningEndpointsTests : IAsyncLifetime
{
    private readonly string _file = Path.GetTempFileName();
    private RunningService _service = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var nodes = Enumerable.Range(0, 2).Select(i => $$$$"""
            {"apiVersion":"v1","kind":"Node","metadata":{"name":"n{{{{i}}}}","labels":{"nvidia.com/gpu.product":"NVIDIA-H100-80GB-HBM3","nvidia.com/gpu.count":"8"}},
             "status":{"allocatable":{"nvidia.com/gpu":"8","cpu":"64","memory":"512Gi","pods":"110"}}}
            """);
        var pods = Enumerable.Range(0, 2).Select(i => Pod($"job-{i}", "\"gpuscheduler.io/gang-name\":\"job\",\"gpuscheduler.io/gang-size\":\"2\"", "")).Append(Pod("one", "", "\"nodeName\":\"n0\","));
        await File.WriteAllTextAsync(_file, $$"""{"apiVersion":"v1","kind":"List","items":[{{string.Join(',', nodes.Concat(pods))}}]}""", Cancellation);
        _service = await RunningService.StartAsync(("Cluster", _file));
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        File.Delete(_file);
    }

    [Fact]
    public async Task What_would_happen_is_told_and_nothing_happens()
    {
        var before = Holds();

        var whatIf = await _service.PostAsync("v1/what-if?namespace=ml", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {parallelism: 2, template: {spec: {containers: [{name: m, resources: {limits: {nvidia.com/gpu: 4}}}]}}}");
        Assert.Equal((HttpStatusCode.OK, true), (whatIf.Status, whatIf.Json.GetProperty("allFit").GetBoolean()));
        Assert.Equal(["ml/j-0", "ml/j-1"], whatIf.Json.GetProperty("work").EnumerateArray().Select(w => w.GetProperty("name").GetString()));
        Assert.All(whatIf.Json.GetProperty("work").EnumerateArray(), w => Assert.Equal("n1", w.GetProperty("places")[0].GetProperty("node").GetString()));

        var drain = await _service.GetAsync("/v1/drain-plan/n0");
        Assert.True(drain.Json.GetProperty("allFit").GetBoolean());
        Assert.Equal("n1", drain.Json.GetProperty("work")[0].GetProperty("places")[0].GetProperty("node").GetString());

        var shortfall = (await _service.GetAsync("/v1/capacity-shortfall")).Json;
        Assert.Equal((1, "NVIDIA-H100-80GB-HBM3"), (shortfall.GetProperty("add")[0].GetProperty("nodes").GetInt32(), shortfall.GetProperty("add")[0].GetProperty("product").GetString()));
        Assert.Equal("default/job", shortfall.GetProperty("helped")[0].GetProperty("name").GetString());

        var start = await _service.PostAsync("v1/expected-start", """{"name":"default/job","ends":{"one":"2099-01-01T00:00:00Z"}}""");
        Assert.StartsWith("2099-01-01T00:00:00", start.Json.GetProperty("at").GetString(), StringComparison.Ordinal);

        Assert.Equal(before, Holds());
        Assert.Equal(1, _service.Services.GetRequiredService<ClusterState>().CountAllocations().Values.Sum());
        Assert.Equal(JsonValueKind.Array, (await _service.GetAsync("/v1/gangs")).Json.GetProperty("gangs").ValueKind);
    }

    [Theory]
    [InlineData("v1/what-if", "kind: [", HttpStatusCode.BadRequest, "is not YAML")]
    [InlineData("v1/what-if", "", HttpStatusCode.BadRequest, "there is no pod in it")]
    [InlineData("v1/expected-start", "", HttpStatusCode.BadRequest, "the body must be")]
    [InlineData("v1/expected-start", "null", HttpStatusCode.BadRequest, "the body must be")]
    [InlineData("v1/expected-start", "{\"name\":7}", HttpStatusCode.BadRequest, "the body must be")]
    [InlineData("v1/expected-start", "{\"name\":\"a/b\",\"ends\":{}}", HttpStatusCode.NotFound, "no gang and no pod a/b waits")]
    public async Task A_question_that_cannot_be_answered_says_why(string path, string body, HttpStatusCode status, string error)
    {
        var answer = await _service.PostAsync(path, body);

        Assert.Equal(status, answer.Status);
        Assert.Contains(error, answer.Json.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_is_not_known_and_a_body_that_is_too_large_are_refused()
    {
        Assert.Equal(HttpStatusCode.NotFound, (await _service.GetAsync("/v1/drain-plan/nobody")).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await _service.PostAsync("v1/what-if", new byte[9 * 1024 * 1024])).Status);
    }

    [Fact]
    public async Task Before_the_cluster_is_read_nothing_is_answered()
    {
        _service.Services.GetRequiredService<Readiness>().SetSynced(false);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _service.GetAsync("/v1/capacity-shortfall")).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _service.PostAsync("v1/what-if", "kind: Pod")).Status);
    }

    private static string Pod(string name, string annotations, string spec) => $$$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{{name}}}}","uid":"{{{{name}}}}","annotations":{{{{{annotations}}}}}},
         "spec":{{{{{spec}}}}"containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"8"}}}]}}
        """;

    private string Holds()
    {
        var text = new StringBuilder();
        foreach (var node in _service.Services.GetRequiredService<ClusterState>().Current.Nodes)
        {
            text.AppendJoin(';', node?.Allocations.Select(a => $"{a.Pod} {a.Node} {a.State}") ?? []);
        }

        return text.ToString();
    }
}
