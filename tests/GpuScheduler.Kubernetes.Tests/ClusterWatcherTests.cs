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

    [Theory]
    [InlineData("v1")]
    [InlineData("v1beta2")]
    [InlineData("v1beta1")]
    public async Task ResourceSlices_are_followed_in_the_version_that_the_API_server_has(string version)
    {
        var slices = $"/apis/resource.k8s.io/{version}/resourceslices";
        var change = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.On(Nodes, Json(NodeList("1", ["a"]))).On(Pods, Json(PodList())).On(Reports, Status(404, "NotFound"));
        _server.On(slices, Json(PodList(Slice(version, 1, 1, 3))));
        _server.OnWatch(slices, async context =>
        {
            await change.Task;
            await LinesThenSilence(Event("MODIFIED", Slice(version, 2, 2, 5)), Event("MODIFIED", Slice(version, 3, 1, 6)), Event("DELETED", Slice(version, 3, 1, 6)))(context);
        });
        Run();

        await UntilAsync(() => _watcher.HasSynced);
        Assert.Equal((3, FactSource.ResourceSlice), (_state.Current.Find("a")!.Facts.Gpus.Length, _state.Current.Find("a")!.Facts.Sources["gpus"]));
        change.SetResult();
        await UntilAsync(() => _state.Current.Find("a")!.Facts.Sources["gpus"] == FactSource.Allocatable);
        Assert.Contains(_logger.Entries, e => e.Id == 2041 && e.Text == "On node a: pool p has 1 of 2 ResourceSlices of generation 2: generation 1 counts until all are there.");
    }

    [Fact]
    public async Task Devices_of_Koordinator_are_followed_and_a_wrong_one_makes_way_for_the_labels()
    {
        const string Devices = "/apis/scheduling.koordinator.sh/v1alpha1/devices";
        var change = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.On(Nodes, Json(NodeList("1", ["a", "b"]))).On(Pods, Json(PodList())).On(Reports, Status(404, "NotFound"));
        _server.On(Devices, Json(PodList(Device("a", 0, 1), Device("b", 0, 1, 2))));
        _server.OnWatch(Devices, async context =>
        {
            await change.Task;
            await LinesThenSilence(Event("MODIFIED", Device("a", 4, 4)), Event("DELETED", Device("b", 0)))(context);
        });
        Run();

        await UntilAsync(() => _watcher.HasSynced);
        Assert.Equal([2, 3], new[] { "a", "b" }.Select(n => _state.Current.Find(n)!.Facts.Gpus.Length));
        change.SetResult();
        await UntilAsync(() => _state.Current.Find("b")!.Facts.Gpus.Length == 8);
        Assert.Equal(8, _state.Current.Find("a")!.Facts.Gpus.Length);
        Assert.Contains("Koordinator's Device is not used: minor 4 is listed twice", _state.Current.Find("a")!.Facts.Warnings);
        Assert.Equal("On node a: Koordinator's Device is not used: minor 4 is listed twice.", Assert.Single(_logger.Entries, e => e.Id == 2041).Text);
    }

    [Fact]
    public async Task A_heartbeat_of_HAMi_alone_changes_nothing()
    {
        static string Hami(string handshake, int gpus) => $$"""
            {"metadata":{"name":"a","resourceVersion":"5","annotations":{"hami.io/node-handshake":"{{handshake}}",
            "hami.io/node-nvidia-register":"{{string.Concat(Enumerable.Range(0, gpus).Select(i => $"GPU-{i},10,15360,100,NVIDIA-Tesla T4,0,true:"))}}"} } }
            """.ReplaceLineEndings("");
        var (beat, change) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _server.On(Nodes, Json(PodList(Hami("Requesting_1", 2)))).On(Pods, Json(PodList())).On(Reports, Status(404, "NotFound"));
        _server.OnWatch(Nodes, async context =>
        {
            await beat.Task;
            await Lines(Event("MODIFIED", Hami("Requesting_2", 2)), Event("ADDED", """{"metadata":{"name":"b","resourceVersion":"6"}}"""))(context);
        });
        _server.OnWatch(Nodes, async context =>
        {
            await change.Task;
            await LinesThenSilence(Event("MODIFIED", Hami("Requesting_3", 3)))(context);
        });
        Run();

        await UntilAsync(() => _watcher.HasSynced);
        var before = _state.Current.Find("a")!;
        Assert.Equal((2, FactSource.Hami), (before.Facts.Gpus.Length, before.Facts.Sources["gpus"]));
        beat.SetResult();
        await UntilAsync(() => _state.Current.Find("b") is not null);
        Assert.Same(before, _state.Current.Find("a"));
        change.SetResult();
        await UntilAsync(() => _state.Current.Find("a")!.Facts.Gpus.Length == 3);
    }

    [Fact]
    public async Task Without_the_right_to_read_ResourceSlices_other_sources_speak()
    {
        _server.On(Nodes, Json(NodeList("1", ["a"]))).On(Pods, Json(PodList())).On(Reports, Status(404, "NotFound")).On("/apis/resource.k8s.io/v1/resourceslices", Status(403, "Forbidden"));
        Run();

        await UntilAsync(() => _watcher.HasSynced);
        Assert.Equal(FactSource.Allocatable, _state.Current.Find("a")!.Facts.Sources["gpus"]);
        Assert.Contains("""apiGroups: ["resource.k8s.io"], resources: ["resourceslices"], verbs: [list, watch]""", Assert.Single(_logger.Entries, e => e.Id == 2021).Text, StringComparison.Ordinal);
    }

    private static string Slice(string version, int generation, int slices, int gpus)
    {
        var devices = Enumerable.Range(0, gpus).Select(i =>
        {
            var fields = $$"""{"attributes":{"type":{"string":"gpu"},"uuid":{"string":"GPU-{{i}}"} } }""";
            return version == "v1beta1" ? $$"""{"name":"gpu-{{i}}","basic":{{fields}} }""" : $$"""{"name":"gpu-{{i}}",{{fields[1..]}}""";
        });
        return $$"""{"metadata":{"name":"s","resourceVersion":"6"},"spec":{"driver":"gpu.nvidia.com","nodeName":"a","pool":{"name":"p","generation":{{generation}},"resourceSliceCount":{{slices}} },"devices":[{{string.Join(',', devices)}}]} }""";
    }

    private static string Device(string node, params int[] minors) =>
        $$"""{"metadata":{"name":"{{node}}","resourceVersion":"6"},"spec":{"devices":[{{string.Join(',', minors.Select((m, i) => $$"""{"type":"gpu","id":"GPU-{{i}}","minor":{{m}},"health":true}"""))}}]} }""";

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
