using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Kubernetes.Groups;
using GpuScheduler.Kubernetes.Sources;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class ClusterWatcherTests : IAsyncLifetime
{
    private const string Nodes = "/api/v1/nodes";
    private const string Pods = "/api/v1/pods";
    private const string Reports = "/apis/gpuscheduler.io/v1/gpunodes";

    private readonly CancellationTokenSource _stop = new();
    private readonly StepClock _clock = new();
    private readonly RecordingLogger<ClusterWatcher> _logger = new();
    private readonly ClusterState _state;
    private FakeApiServer _server = null!;
    private KubernetesConnection _connection = null!;
    private ClusterWatcher _watcher = null!;
    private Task _run = Task.CompletedTask;

    public ClusterWatcherTests() => _state = new ClusterState(_clock, new LedgerOptions());

    public async ValueTask InitializeAsync()
    {
        _server = await StartAsync();
        foreach (var path in GroupResources.All.Select(r => r.Watched).Concat(SourceResources.All).SelectMany(r => r.OtherPaths.Prepend(r.Path)))
        {
            _server.Without("/" + path);
        }

        _connection = _server.Connect();
        _watcher = new ClusterWatcher(_connection, _state, _logger, _clock);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _connection.Dispose();
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task Nodes_pods_and_reports_come_together_in_the_state()
    {
        _server.On(Nodes, Json(NodeList("1", ["a"]))).On(Pods, Json(PodList(Pod("p", "u", "a", "Running")))).On(Reports, Json(ReportList(Report("a", 4))));
        Run();

        await UntilAsync(() => _watcher.HasSynced);
        var node = _state.Current.Find("a")!;
        Assert.Equal(4, node.Facts.Gpus.Length);
        Assert.Equal("default/p", Assert.Single(node.Allocations).Pod.ToString());
        Assert.Equal("status.phase!=Succeeded,status.phase!=Failed", (await _server.RequestAsync(Pods))["fieldSelector"]);
        Assert.Equal(["nodes", "pods", "gpunodes", "resourceslices.resource.k8s.io", "devices.scheduling.koordinator.sh", .. GroupResources.All.Select(r => r.Kind)], _watcher.Ages.Select(a => a.Resource));
    }

    [Fact]
    public async Task It_has_not_synced_before_all_have()
    {
        _server.On(Nodes, Json(NodeList("1", ["a"]))).On(Reports, Status(404, "NotFound"));
        Run();

        await UntilAsync(() => _watcher.Ages[0].HasSynced && _watcher.Ages[2].HasSynced);
        Assert.False(_watcher.HasSynced);
        Assert.Null(_watcher.Ages[1].Age);
        Assert.Equal(TimeSpan.Zero, _watcher.Ages[0].Age);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(5), _watcher.Ages[0].Age);
    }

    [Fact]
    public async Task A_pod_that_has_ended_is_deleted_by_its_UID()
    {
        _server.On(Nodes, Json(NodeList("1", ["a"]))).On(Pods, Json(PodList(Pod("p", "u", "a", "Running")))).On(Reports, Status(404, "NotFound"));
        _server.OnWatch(Pods, LinesThenSilence(Event("DELETED", Pod("p", "u", "a", "Succeeded"))));
        Run();

        await UntilAsync(() => _watcher.HasSynced && !_state.TryGetPod("u", out _));
        Assert.Empty(_state.Current.Find("a")!.Allocations);
    }

    [Fact]
    public async Task A_wrong_report_is_taken_out_with_a_warning_and_the_others_stay()
    {
        _server.On(Nodes, Json(NodeList("1", ["a", "b", "c"]))).On(Pods, Json(PodList()));
        _server.On(Reports, Json(ReportList(Report("a", 4), Report("b", 2), Report("c", 65))));
        _server.OnWatch(Reports, LinesThenSilence(Event("MODIFIED", Report("a", 70)), Event("MODIFIED", Report("b", 3))));
        Run();

        await UntilAsync(() => _watcher.HasSynced && _state.Current.Find("b")?.Facts.Gpus.Length == 3);
        Assert.Equal([8, 3, 8], new[] { "a", "b", "c" }.Select(n => _state.Current.Find(n)!.Facts.Gpus.Length));
        Assert.Equal(2, _logger.Entries.Count(e => e.Id == 2020));
        Assert.Contains(_logger.Entries, e => e.Text.StartsWith("the report of node a cannot be used: 70 GPUs are listed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_bind_that_took_place_while_a_list_was_on_its_way_keeps_its_devices()
    {
        _server.On(Nodes, Json(NodeList("1", ["a"]))).On(Pods, Json(PodList(Pod("p", "u", "", "Pending")))).On(Reports, Status(404, "NotFound"));
        _server.OnWatch(Pods, Lines(Bookmark("5"), Error(410, "Expired")));
        _server.On(Pods, async context =>
        {
            // The nodes are listed by another reflector, which may be slower.
            await UntilAsync(() => _state.Current.Find("a") is not null);

            // Read before the bind, and answered after it.
            Assert.True(_state.TryGetPod("u", out var pod));
            _clock.Advance(TimeSpan.FromSeconds(1));
            Assert.True(_state.Promise(pod, "a", _ => null).IsGranted);
            _state.Commit("u");
            await Json(PodList(Pod("p", "u", "", "Pending"), Pod("q", "v", "", "Pending")))(context);
        });
        Run();

        await UntilAsync(() => _state.TryGetPod("v", out _));
        Assert.True(_state.TryGetAllocation("u", out var held));
        Assert.Equal(AllocationState.Committed, held.State);
    }

    [Fact]
    public async Task A_bind_that_a_later_list_does_not_show_has_not_taken_place()
    {
        _server.On(Nodes, Json(NodeList("1", ["a"]))).On(Pods, Json(PodList(Pod("p", "u", "", "Pending")))).On(Reports, Status(404, "NotFound"));
        var bound = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.OnWatch(Pods, async context =>
        {
            await bound.Task;
            await Lines(Bookmark("5"), Error(410, "Expired"))(context);
        });
        _server.On(Pods, Json(PodList(Pod("p", "u", "", "Pending"), Pod("q", "v", "", "Pending"))));
        Run();

        await UntilAsync(() => _watcher.HasSynced);
        Assert.True(_state.TryGetPod("u", out var pod));
        Assert.True(_state.Promise(pod, "a", _ => null).IsGranted);
        _state.Commit("u");
        _clock.Advance(TimeSpan.FromSeconds(1));
        bound.SetResult();

        await UntilAsync(() => _state.TryGetPod("v", out _));
        Assert.False(_state.TryGetAllocation("u", out _));
    }

    [Fact]
    public async Task Groups_are_known_with_the_first_readiness_and_follow_their_objects()
    {
        const string Groups = "/apis/scheduling.x-k8s.io/v1alpha1/podgroups";
        var pod = """{"metadata":{"name":"p","namespace":"default","uid":"u","labels":{"scheduling.x-k8s.io/pod-group":"g"}}}""";
        var change = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.On(Nodes, Json(NodeList("1", []))).On(Pods, Json(PodList(pod))).On(Reports, Status(404, "NotFound"));
        _server.On(Groups, Json(PodList(Group(2))));
        _server.OnWatch(Groups, async context =>
        {
            await change.Task;
            await LinesThenSilence(Event("MODIFIED", Group(3)), Event("DELETED", Group(3)))(context);
        });
        Run();

        await UntilAsync(() => _watcher.HasSynced);
        var key = Assert.Single(_state.Gangs);
        Assert.Equal("1 of 2 members present", _state.FindGroup(key)!.Reason);
        change.SetResult();
        await UntilAsync(() => _state.FindGroup(key)!.Reason.Contains("does not exist", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_the_right_to_read_Jobs_their_pods_are_placed_one_by_one()
    {
        const string Jobs = "/apis/batch/v1/jobs";
        var pod = """{"metadata":{"name":"p","namespace":"default","uid":"u","labels":{"job-name":"j","batch.kubernetes.io/job-completion-index":"0"},"ownerReferences":[{"kind":"Job","controller":true}]}}""";
        _server.On(Nodes, Json(NodeList("1", []))).On(Pods, Json(PodList(pod))).On(Reports, Status(404, "NotFound")).On(Jobs, Status(403, "Forbidden"));
        Run();

        await UntilAsync(() => _watcher.HasSynced);
        Assert.Equal(PodGroupStanding.Single, _state.FindGroup(Assert.Single(_state.Gangs))!.Standing);
        var warning = Assert.Single(_logger.Entries, e => e.Id == 2021).Text;
        Assert.Contains("""apiGroups: ["batch"], resources: ["jobs"], verbs: [list, watch]""", warning, StringComparison.Ordinal);
    }

    private static string Group(int min) => $$$"""{"metadata":{"name":"g","namespace":"default","resourceVersion":"6"},"spec":{"minMember":{{{min}}}}}""";

    private static string PodList(params string[] pods) => $$"""{"metadata":{"resourceVersion":"1"},"items":[{{string.Join(',', pods)}}]}""";

    private static string Pod(string name, string uid, string node, string phase) =>
        $$"""{"metadata":{"name":"{{name}}","namespace":"default","uid":"{{uid}}","resourceVersion":"5"},"spec":{"nodeName":"{{node}}"},"status":{"phase":"{{phase}}"} }""";

    private static string ReportList(params string[] reports) => PodList(reports);

    private static string Report(string node, int gpus) =>
        $$"""{"metadata":{"name":"{{node}}","resourceVersion":"6"},"spec":{"gpus":[{{string.Join(',', Enumerable.Range(0, gpus).Select(i => $$"""{"index":{{i}} }"""))}}]} }""";

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; !isSo(); i++)
        {
            Assert.True(i < 4000, "it did not come to pass");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    private void Run() => _run = _watcher.RunAsync(_stop.Token);
}
