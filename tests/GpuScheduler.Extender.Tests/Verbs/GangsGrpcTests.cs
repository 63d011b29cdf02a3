using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Kubernetes;
using GpuScheduler.V1;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using GangRole = GpuScheduler.V1.GangRole;
using GangTopology = GpuScheduler.V1.GangTopology;
using StatusCode = Grpc.Core.StatusCode;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>Two racks of three nodes with eight GPUs, and a gang of two that has no room beside a pod that is bound.</summary>
public sealed class GangsGrpcTests : IAsyncLifetime
{
    private readonly string _file = Path.GetTempFileName();
    private RunningService _service = null!;
    private Gangs.GangsClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var nodes = Enumerable.Range(0, 6).Select(i => $$$$"""
            {"apiVersion":"v1","kind":"Node","metadata":{"name":"n{{{{i}}}}","labels":{"nvidia.com/gpu.product":"NVIDIA-H100-80GB-HBM3","nvidia.com/gpu.count":"8","network.topology.nvidia.com/leaf":"r{{{{i / 3}}}}"}},
             "status":{"allocatable":{"nvidia.com/gpu":"8","cpu":"64","memory":"512Gi"}}}
            """);
        var pods = Enumerable.Range(0, 2).Select(i => Pod($"job-{i}", "\"gpuscheduler.io/gang-name\":\"job\",\"gpuscheduler.io/gang-size\":\"3\"", "")).Append(Pod("one", "", "\"nodeName\":\"n5\","));
        await File.WriteAllTextAsync(_file, $$"""{"apiVersion":"v1","kind":"List","items":[{{string.Join(',', nodes.Concat(pods))}}]}""", Cancellation);
        _service = await RunningService.StartAsync(("Cluster", _file));
        _client = new Gangs.GangsClient(_service.Grpc);
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        File.Delete(_file);
    }

    [Fact]
    public async Task A_gang_that_fits_one_rack_gets_it_with_a_place_and_devices_for_each_member_and_nothing_is_held()
    {
        var held = Held();
        var answer = await PlaceAsync(Role("workers", 3));

        Assert.True(answer.Plan.Placed);
        Assert.Equal(GangProof.Types.Status.Optimal, answer.Plan.Proof.Status);
        Assert.Equal(["n0", "n1", "n2"], answer.Places.Select(p => p.Node).Order(StringComparer.Ordinal));
        Assert.Equal([0, 1, 2], answer.Places.Select(p => p.Member));
        Assert.All(answer.Places, p => Assert.Equal(8, p.AssignedDevices.Split("\"gpu\":").Length - 1));
        Assert.Equal(3, answer.Plan.DomainsUsed[0].Domains);
        Assert.Contains(answer.Plan.DomainsUsed, l => l.Domains == 1);
        Assert.Contains("r0", answer.Plan.Domain, StringComparison.Ordinal);
        Assert.Equal(held, Held());
        Assert.Equal(answer.Places, (await PlaceAsync(Role("workers", 3))).Places);
    }

    [Fact]
    public async Task What_is_missing_is_said_and_no_error()
    {
        var answer = await PlaceAsync(Role("", 6));

        Assert.False(answer.Plan.Placed);
        Assert.Equal(GangProof.Types.Status.Infeasible, answer.Plan.Proof.Status);
        Assert.Contains("short of 1 node with 8 GPUs free", answer.Plan.Proof.Why, StringComparison.Ordinal);
        Assert.Empty(answer.Places);
    }

    [Fact]
    public async Task Roles_levels_candidates_and_elastic_members_count()
    {
        var request = new PlaceGangRequest { Roles = { Role("head", 1, 2), Role("workers", 4) }, NodeNames = { "n3", "n4", "n1", "n2" } };
        request.Roles[1].Min = 2;
        var answer = await _client.PlaceGangAsync(request, cancellationToken: Cancellation);

        Assert.True(answer.Plan.Placed, answer.Plan.Proof.Why);
        Assert.Equal(4, answer.Places.Count);
        Assert.Single(answer.Places, p => p.Role == "head");
        Assert.DoesNotContain(answer.Places, p => p.Node is "n0" or "n5");

        request = new PlaceGangRequest { Roles = { Role("workers", 4) }, Topology = new GangTopology { Required = "network.topology.nvidia.com/leaf" } };
        Assert.False((await _client.PlaceGangAsync(request, cancellationToken: Cancellation)).Plan.Placed);
    }

    [Theory]
    [InlineData("none", "roles is empty")]
    [InlineData("count", "roles[0].count is 0")]
    [InlineData("many", "4096 over all roles")]
    [InlineData("min", "roles[0].min is 4: 0 to count (3)")]
    [InlineData("pod", "roles[0].pod is missing")]
    [InlineData("invalid", "roles[0].pod: ")]
    [InlineData("cpu", "no role asks for GPUs")]
    [InlineData("names", "is that of another role")]
    [InlineData("segment", "goes with segment_required or segment_preferred")]
    [InlineData("nodes", "none of node_names is a node of the cluster")]
    public async Task A_question_that_cannot_be_understood_says_what_to_change(string fault, string said)
    {
        var request = new PlaceGangRequest { Roles = { Role("a", 3) } };
        switch (fault)
        {
            case "none": request.Roles.Clear(); break;
            case "count": request.Roles[0].Count = 0; break;
            case "many": request.Roles[0].Count = int.MaxValue; break;
            case "min": request.Roles[0].Min = 4; break;
            case "pod": request.Roles[0].Pod = null; break;
            case "invalid": request.Roles[0].Pod.Annotations["gpuscheduler.io/gpu-milli"] = "lots"; break;
            case "cpu": request.Roles[0].Pod.Containers.Clear(); break;
            case "names": request.Roles.Add(Role("a", 1)); break;
            case "segment": request.Topology = new GangTopology { SegmentSize = 2 }; break;
            default: request.NodeNames.Add("nobody"); break;
        }

        var fail = await Assert.ThrowsAsync<RpcException>(async () => await _client.PlaceGangAsync(request, cancellationToken: Cancellation));
        Assert.Equal(StatusCode.InvalidArgument, fail.StatusCode);
        Assert.Contains(said, fail.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gangs_of_the_cluster_are_listed_and_shown()
    {
        var listed = Assert.Single((await _client.ListGangsAsync(new ListGangsRequest(), cancellationToken: Cancellation)).Gangs);
        Assert.Equal(("job", "waiting", "2 of 3 members present", 2), (listed.Name, listed.State, listed.Reason, listed.Present));
        Assert.Empty((await _client.ListGangsAsync(new ListGangsRequest { Namespace = "other" }, cancellationToken: Cancellation)).Gangs);

        var shown = await _client.GetGangAsync(new GetGangRequest { Name = "job" }, cancellationToken: Cancellation);
        Assert.Equal(["job-0", "job-1"], shown.Members.Select(m => m.Pod));
        var fail = await Assert.ThrowsAsync<RpcException>(async () => await _client.GetGangAsync(new GetGangRequest { Name = "nobody" }, cancellationToken: Cancellation));
        Assert.Equal(StatusCode.NotFound, fail.StatusCode);
    }

    [Fact]
    public async Task What_happens_to_a_gang_is_said_once_and_not_again_after_a_refusal_for_want_of_rights()
    {
        var engine = _service.Services.GetRequiredService<SchedulingEngine>();
        var announcer = new Announcements();
        using var reporter = new GangReporter(engine, announcer, new Readiness(), new ExtenderOptions(), TimeProvider.System, NullLogger<GangReporter>.Instance);

        await reporter.ReportAsync(engine.Gangs!.List(), Cancellation);
        await reporter.ReportAsync(engine.Gangs.List(), Cancellation);
        Assert.Equal("GangWaiting gang default/job: 2 of 3 members present", Assert.Single(announcer.Said));

        engine.Cluster.UpsertPod(PodJsonReader.Read(System.Text.Encoding.UTF8.GetBytes(Pod("job-2", "\"gpuscheduler.io/gang-name\":\"job\",\"gpuscheduler.io/gang-size\":\"3\"", "")), nameStandsForUid: true));
        await _service.PostAsync("filter", Requests.Args(Pod("job-2", "\"gpuscheduler.io/gang-name\":\"job\",\"gpuscheduler.io/gang-size\":\"3\"", ""), ["n0", "n1", "n2"]));
        await reporter.ReportAsync(engine.Gangs.List(), Cancellation);
        Assert.Equal("GangPlaced", announcer.Said[1].Split(' ')[0]);

        engine.Cluster.DeletePod("default/job-1");
        announcer.IsForbidden = true;
        await reporter.ReportAsync(engine.Gangs.List(), Cancellation);
        announcer.IsForbidden = false;
        await reporter.ReportAsync(engine.Gangs.List(), Cancellation);
        Assert.Equal(["GangWaiting", "GangPlaced", "GangReleased"], announcer.Said.Select(s => s.Split(' ')[0]));
    }

    [Fact]
    public async Task A_gang_that_came_to_run_between_two_looks_is_announced_and_one_that_ran_before_the_first_is_not()
    {
        var engine = _service.Services.GetRequiredService<SchedulingEngine>();
        var announcer = new Announcements();
        using var reporter = new GangReporter(engine, announcer, new Readiness(), new ExtenderOptions(), TimeProvider.System, NullLogger<GangReporter>.Instance);
        void Run(string gang)
        {
            foreach (var node in new[] { "n0", "n1" })
            {
                engine.Cluster.UpsertPod(PodJsonReader.Read(System.Text.Encoding.UTF8.GetBytes(
                    Pod($"{gang}-{node}", $"\"gpuscheduler.io/gang-name\":\"{gang}\",\"gpuscheduler.io/gang-size\":\"2\"", $"\"nodeName\":\"{node}\",")), nameStandsForUid: true));
            }
        }

        Run("before");
        await reporter.ReportAsync(engine.Gangs!.List(), Cancellation);
        Run("after");
        await reporter.ReportAsync(engine.Gangs.List(), Cancellation);
        Assert.DoesNotContain(announcer.Said, s => s.Contains("before", StringComparison.Ordinal));
        Assert.Equal("GangPlaced gang default/after: all that it needs have a place", Assert.Single(announcer.Said, s => s.Contains("after", StringComparison.Ordinal)));
    }

    private int Held() => _service.Services.GetRequiredService<ClusterState>().CountAllocations().Values.Sum();

    private static GangRole Role(string name, int count, int gpus = 8) => new()
    {
        Name = name,
        Count = count,
        Pod = new Pod { Containers = { new Container { Requests = { ["nvidia.com/gpu"] = gpus.ToString(CultureInfo.InvariantCulture) } } } },
    };

    private async Task<PlaceGangResponse> PlaceAsync(GangRole role) => await _client.PlaceGangAsync(new PlaceGangRequest { Roles = { role } }, cancellationToken: Cancellation);

    private static string Pod(string name, string annotations, string spec) => $$$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{{name}}}}","namespace":"default","uid":"default/{{{{name}}}}","annotations":{ {{{{annotations}}}} }},
         "spec":{ {{{{spec}}}} "containers":[{"name":"c","resources":{"requests":{"nvidia.com/gpu":"8"}}}]},"status":{"phase":"Pending"}}
        """;

    private sealed class Announcements : IGangAnnouncer
    {
        public List<string> Said { get; } = [];

        public bool IsForbidden { get; set; }

        public Task SayAsync(GangNotice notice, CancellationToken cancellationToken)
        {
            Said.Add($"{notice.Reason} {notice.Note}");
            return IsForbidden ? throw new KubernetesApiException("no", System.Net.HttpStatusCode.Forbidden) : Task.CompletedTask;
        }

        public bool HasStatus(string kind) => false;

        public Task SetStatusAsync(GroupObjectId id, GangState state, int bound, string reason, CancellationToken cancellationToken) => throw new InvalidOperationException();
    }
}
