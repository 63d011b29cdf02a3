using System.Net;
using System.Text;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Extender.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests;

public sealed class EndpointsTests(ExampleService example)
{
    private readonly RunningService _service = example.Service;

    [Fact]
    public async Task Healthz_says_ok()
    {
        var answer = await _service.GetAsync("/healthz");

        Assert.Equal("200 ok\n", answer.ToString());
    }

    [Fact]
    public async Task Readyz_says_what_is_missing_until_nothing_is()
    {
        await using var service = await RunningService.StartAsync();
        var first = await service.GetAsync("/readyz");
        Assert.Equal("503 not ready: the verbs are warming up\n", first.ToString());

        var readiness = service.Services.GetRequiredService<Readiness>();
        readiness.SetSynced(false);
        Assert.Equal("503 not ready: the caches have not synced; the verbs are warming up\n", (await service.GetAsync("/readyz")).ToString());
        readiness.SetWarm();
        Assert.Equal("503 not ready: the caches have not synced\n", (await service.GetAsync("/readyz")).ToString());
        Assert.Equal("200 ok\n", (await service.GetAsync("/healthz")).ToString());
        readiness.SetSynced(true);
        Assert.Equal("200 ready\n", (await service.GetAsync("/readyz")).ToString());
    }

    [Fact]
    public async Task Before_the_cluster_is_read_no_verb_decides_anything()
    {
        await using var service = await RunningService.StartAsync();
        service.Services.GetRequiredService<Readiness>().SetSynced(false);
        var pod = Requests.Pod("early", 1);
        foreach (var (verb, body, status) in new[]
        {
            ("filter", Requests.Args(pod, "h100-03"), HttpStatusCode.OK),
            ("prioritize", Requests.Args(pod, "h100-03"), HttpStatusCode.ServiceUnavailable),
            ("preempt", Requests.Preemption(pod, new Dictionary<string, string[]>()), HttpStatusCode.ServiceUnavailable),
            ("bind", Requests.Binding("early", "h100-03"), HttpStatusCode.OK),
        })
        {
            var answer = await service.PostAsync(verb, body);

            Assert.Equal((status, Readiness.NotSynced), (answer.Status, answer.Error));
        }

        var client = new V1.SchedulerExtender.SchedulerExtenderClient(service.Grpc);
        foreach (var call in new Func<Task>[]
        {
            () => client.FilterAsync(new V1.FilterRequest(), cancellationToken: TestContext.Current.CancellationToken).ResponseAsync,
            () => client.PrioritizeAsync(new V1.PrioritizeRequest(), cancellationToken: TestContext.Current.CancellationToken).ResponseAsync,
            () => client.PreemptAsync(new V1.PreemptRequest(), cancellationToken: TestContext.Current.CancellationToken).ResponseAsync,
            () => client.BindAsync(new V1.BindRequest(), cancellationToken: TestContext.Current.CancellationToken).ResponseAsync,
        })
        {
            Assert.Equal(global::Grpc.Core.StatusCode.Unavailable, (await Assert.ThrowsAsync<global::Grpc.Core.RpcException>(call)).StatusCode);
        }
    }

    [Fact]
    public async Task The_list_of_nodes_has_what_is_free_on_each()
    {
        await using var service = await RunningService.StartAsync();

        var answer = await service.GetAsync("/v1/nodes");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.True(answer.Json.GetProperty("generation").GetInt64() > 0);
        var nodes = answer.Json.GetProperty("nodes").EnumerateArray().ToDictionary(n => n.GetProperty("name").GetString()!);
        Assert.Equal(Repository.ExampleNodes.Order(), nodes.Keys.Order());
        (int Gpus, int Allocatable, int Free) Numbers(string name) =>
            (nodes[name].GetProperty("gpus").GetInt32(), nodes[name].GetProperty("allocatableGpus").GetInt32(), nodes[name].GetProperty("freeGpus").GetInt32());
        Assert.Equal((8, 8, 5), Numbers("h100-01"));
        Assert.Equal((8, 7, 5), Numbers("h100-02"));
        Assert.Equal((8, 8, 8), Numbers("h100-03"));
        Assert.Equal((8, 8, 4), Numbers("v100-01"));
        Assert.Equal((8, 8, 7), Numbers("v100-02"));
        Assert.Equal((8, 8, 7), Numbers("l40s-01"));
        Assert.Equal((1, 1, 0), Numbers("t4-01"));
        Assert.Equal((0, 0, 0), Numbers("cpu-01"));
        Assert.Equal("""{"allocatable":16,"free":15}""", nodes["a100-mig-01"].GetProperty("mig").GetProperty("1g.10gb").GetRawText());
        Assert.All(nodes.Values, n => Assert.False(n.GetProperty("conflict").GetBoolean()));
    }

    [Fact]
    public async Task A_node_is_shown_with_its_devices_links_holders_and_where_each_fact_is_from()
    {
        var node = (await _service.GetAsync("/v1/nodes/h100-02")).Json;

        Assert.Equal("NVIDIA-H100-80GB-HBM3", node.GetProperty("product").GetString());
        Assert.Equal("GPU-c0ffee02-0000-4000-8000-000000000003", node.GetProperty("devices")[3].GetProperty("uuid").GetString());
        Assert.Equal((false, "XID 79: fallen off the bus"), (node.GetProperty("devices")[5].GetProperty("healthy").GetBoolean(), node.GetProperty("devices")[5].GetProperty("healthReason").GetString()));
        Assert.Equal("whole", node.GetProperty("devices")[0].GetProperty("use").GetString());
        Assert.Equal(8, node.GetProperty("nvlinkGBps").GetArrayLength());
        Assert.Equal("training/finetune-0", node.GetProperty("allocations")[0].GetProperty("pod").GetString());
        Assert.NotEmpty(node.GetProperty("sources").EnumerateObject());

        var shared = (await _service.GetAsync("/v1/nodes/t4-01")).Json.GetProperty("devices")[0];
        Assert.Equal(("shared", 15_360 - 8192), (shared.GetProperty("use").GetString(), shared.GetProperty("freeMemoryMiB").GetInt32()));
        Assert.Equal("01110100".Length, (await _service.GetAsync("/v1/nodes/a100-mig-01")).Json.GetProperty("devices")[0].GetProperty("slicesTaken").GetString()!.Length);
        foreach (var name in Repository.ExampleNodes)
        {
            Assert.Equal(HttpStatusCode.OK, (await _service.GetAsync("/v1/nodes/" + name)).Status);
        }
    }

    [Fact]
    public async Task A_node_shows_which_stack_said_what_and_what_of_it_could_not_be_used()
    {
        await using var service = await RunningService.StartAsync();
        var cluster = service.Services.GetRequiredService<ClusterState>();
        cluster.UpsertStatement("l40s-01", new NodeStatement(FactSource.Koordinator, [new GpuStatement { Number = 0, Uuid = "GPU-k", NumaNode = 1 }]) { Warnings = ["something is wrong"] });

        var node = (await service.GetAsync("/v1/nodes/l40s-01")).Json;
        var sources = node.GetProperty("sources").EnumerateObject().ToDictionary(s => s.Name, s => s.Value.GetString());
        Assert.Equal(("koordinator", "koordinator", "label"), (sources["gpus"], sources["numa"], sources["product"]));
        Assert.Equal("GPU-k", node.GetProperty("devices")[0].GetProperty("uuid").GetString());
        var warnings = node.GetProperty("warnings").EnumerateArray().Select(w => w.GetString()).ToList();
        Assert.Contains("something is wrong", warnings);
        Assert.Contains("by the labels there are 8 GPUs, and by Koordinator's Device, believed here, 1", warnings);

        cluster.UpsertStatement("l40s-01", new NodeStatement(FactSource.ResourceSlice, [new GpuStatement { Number = 0, Uuid = "GPU-s" }]));
        Assert.Equal("resourceslice", (await service.GetAsync("/v1/nodes/l40s-01")).Json.GetProperty("sources").GetProperty("gpus").GetString());
    }

    [Theory]
    [InlineData("nobody", "nobody")]
    [InlineData("%3Cscript%3E", "<script>")]
    [InlineData("%ED%A0%80", null)]
    public async Task A_node_that_is_not_known_is_404_with_where_to_look(string path, string? name)
    {
        var answer = await _service.GetAsync("/v1/nodes/" + path);

        Assert.Equal(HttpStatusCode.NotFound, answer.Status);
        Assert.EndsWith(" is not known; GET /v1/nodes lists those that are", answer.Json.GetProperty("error").GetString(), StringComparison.Ordinal);
        if (name is not null)
        {
            Assert.Contains(name, answer.Json.GetProperty("error").GetString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/index.html")]
    [InlineData("/nothing")]
    [InlineData("/nothing/at.all")]
    [InlineData("/favicon.ico")]
    [InlineData("/v1")]
    [InlineData("/v1/nodes/h100-01/more")]
    [InlineData("/filter")]
    [InlineData("/bind")]
    public async Task Whatever_else_is_asked_for_is_404_with_what_there_is(string path)
    {
        var answer = await _service.GetAsync(path);

        Assert.Equal(HttpStatusCode.NotFound, answer.Status);
        Assert.Contains("POST /filter", Encoding.UTF8.GetString(answer.Body), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:0")]
    [InlineData("http://localhost:0")]
    public async Task The_health_port_serves_health_and_metrics_and_nothing_else(string url)
    {
        await using var service = await RunningService.StartAsync(("HealthUrls", url));
        var health = service.Addresses[1];

        Assert.Equal("200 ok\n", (await service.GetAsync("/healthz", health)).ToString());
        Assert.Contains((await service.GetAsync("/readyz", health)).Status, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable });
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/metrics", health)).Status);
        foreach (var path in new[] { "/v1/nodes", "/v1/nodes/h100-01", "/", "/healthz/more", "/Metrics/x" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await service.GetAsync(path, health)).Status);
        }

        foreach (var verb in new[] { "filter", "prioritize", "preempt", "bind" })
        {
            using var body = new StringContent(Requests.Args(Requests.Pod("health-port", 0), "cpu-01"));
            using var answer = await service.Http.PostAsync(new Uri(health, verb), body, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }

        // The other ports still have everything.
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/v1/nodes")).Status);
        Assert.Equal("200 ok\n", (await service.GetAsync("/healthz")).ToString());
    }

    [Fact]
    public async Task The_same_port_on_another_address_is_not_the_health_port()
    {
        await using var probe = await RunningService.StartAsync();
        var port = probe.Addresses[0].Port;
        await probe.DisposeAsync();
        await using var service = await RunningService.StartAsync(("Urls", $"http://127.0.0.1:{port}"), ("HealthUrls", $"http://127.0.0.2:{port}"));

        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/v1/nodes")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await service.GetAsync("/v1/nodes", service.Addresses[1])).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/healthz", service.Addresses[1])).Status);
    }

    [Fact]
    public async Task The_web_server_reads_into_large_blocks()
    {
        await using var service = await RunningService.StartAsync();
        using var pool = service.Services.GetRequiredService<Microsoft.AspNetCore.Connections.IMemoryPoolFactory<byte>>().Create();
        using var block = pool.Rent();
        Assert.Equal(32 * 1024, block.Memory.Length);
    }
}
