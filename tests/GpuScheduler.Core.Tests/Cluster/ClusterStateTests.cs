using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Cluster;

public class ClusterStateTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly ClusterState _cluster;
    private readonly SchedulingEngine _engine;

    public ClusterStateTests()
    {
        _cluster = new ClusterState(_clock, new LedgerOptions());
        _engine = new SchedulingEngine(_cluster, new EngineOptions());
        _cluster.UpsertNode(new NodeBuilder("n").Gpus("NVIDIA-A10", 2).Build());
    }

    [Fact]
    public void A_device_is_promised_once()
    {
        Assert.True(_engine.Promise(Whole("a", 2), "n").IsGranted);
        var lost = _engine.Promise(Whole("b", 1), "n");
        Assert.False(lost.IsGranted);
        Assert.Equal(Reasons.FewFreeGpus.Reason, lost.Refusal);
    }

    [Fact]
    public void A_pod_is_promised_once_while_its_bind_is_on_its_way()
    {
        Assert.True(_engine.Promise(Whole("a", 1), "n").IsGranted);
        Assert.False(_engine.Promise(Whole("a", 1), "n").IsGranted);
        _cluster.Commit("a");
        var again = _engine.Promise(Whole("a", 1), "n");
        Assert.True(again.IsGranted && again.IsBound);
        Assert.Contains("n", _engine.Promise(Whole("a", 1), "other").Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_promise_on_a_node_that_is_not_known_is_refused()
    {
        Assert.False(_engine.Promise(Whole("a", 1), "other").IsGranted);
        _cluster.DeleteNode("n");
        Assert.False(_engine.Promise(Whole("a", 1), "n").IsGranted);
    }

    [Fact]
    public void An_abandoned_promise_frees_its_devices_and_a_bound_pod_does_not()
    {
        _engine.Promise(Whole("a", 2), "n");
        _cluster.Abandon("a");
        Assert.Equal(2, Node().FreeGpus);
        Bind("a", 2);
        _cluster.Abandon("a");
        Assert.Equal(0, Node().FreeGpus);
    }

    [Theory]
    [InlineData("CB")]
    [InlineData("BC")]
    [InlineData("B")]
    [InlineData("CPB")]
    [InlineData("PBC")]
    [InlineData("CBP")]
    [InlineData("BCA")]
    [InlineData("BA")]
    [InlineData("CBC")]
    public void However_commit_and_events_come_the_pod_holds_its_device_once(string order)
    {
        var promise = _engine.Promise(Whole("a", 1), "n").Allocation!;
        foreach (var step in order)
        {
            switch (step)
            {
                case 'C':
                    _cluster.Commit("a");
                    break;
                case 'A':
                    _cluster.Abandon("a");
                    break;
                case 'P':
                    // A late event from before the bind.
                    _cluster.UpsertPod(Whole("a", 1));
                    break;
                default:
                    _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n", promise.Devices).Build());
                    break;
            }

            Assert.Equal((1, 1), (Node().FreeGpus, Node().UsedGpus));
        }

        Assert.True(_cluster.TryGetAllocation("a", out var allocation));
        Assert.Equal((AllocationState.Bound, null), (allocation.State, allocation.Expires));
        Assert.Equal(promise.Devices, allocation.Devices);
        _cluster.DeletePod("a");
        Assert.Equal(2, Node().FreeGpus);
    }

    [Fact]
    public void A_stale_list_does_not_forget_a_committed_bind_and_a_consistent_one_does()
    {
        _cluster.UpsertPod(Whole("a", 1));
        _engine.Promise(Whole("a", 1), "n");
        _cluster.Commit("a");
        _cluster.ReplacePods([Whole("a", 1)], consistent: false);
        Assert.Equal(1, Node().FreeGpus);
        _cluster.ReplacePods([], consistent: false);
        Assert.Equal(1, Node().FreeGpus);
        _cluster.ReplacePods([Whole("a", 1)], consistent: true);
        Assert.Equal(2, Node().FreeGpus);
    }

    [Fact]
    public void A_list_says_nothing_of_what_was_promised_or_bound_after_it_was_asked_for()
    {
        var asked = _clock.GetUtcNow();
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        _engine.Promise(Whole("a", 1), "n");
        _engine.Promise(Whole("b", 1), "n");
        _cluster.Commit("b");
        _cluster.ReplacePods([Whole("b", 1)], consistent: true, asked);
        Assert.Equal(0, Node().FreeGpus);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        _cluster.ReplacePods([Whole("b", 1)], consistent: true, _clock.GetUtcNow());
        Assert.Equal(2, Node().FreeGpus);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_list_that_shows_a_bound_pod_unbound_is_older_and_not_believed(bool consistent)
    {
        Bind("a", 2);
        _cluster.ReplacePods([Whole("a", 2)], consistent);
        Assert.Equal(0, Node().FreeGpus);
        Assert.False(_engine.Promise(Whole("b", 1), "n").IsGranted);
    }

    [Fact]
    public void A_promise_in_flight_survives_every_list_that_still_shows_its_pod()
    {
        _engine.Promise(Whole("a", 1), "n");
        _cluster.ReplacePods([Whole("a", 1)], consistent: true);
        Assert.Equal(1, Node().FreeGpus);
        _cluster.ReplacePods([], consistent: false);
        Assert.Equal(1, Node().FreeGpus);
        _cluster.ReplacePods([], consistent: true);
        Assert.Equal(2, Node().FreeGpus);
    }

    [Fact]
    public void Bound_pods_that_a_list_no_longer_shows_are_gone()
    {
        Bind("a", 1);
        Bind("b", 1);
        _cluster.ReplacePods([new PodBuilder("b").Gpus(1).On("n", Devices(1)).Build()], consistent: false);
        Assert.False(_cluster.TryGetAllocation("a", out _));
        Assert.False(_cluster.TryGetPod("a", out _));
        Assert.Equal(1, Node().FreeGpus);
    }

    [Fact]
    public void Pods_that_are_done_hold_nothing()
    {
        Bind("a", 2);
        _cluster.UpsertPod(new PodBuilder("a").Gpus(2).On("n", Devices(0, 1)).Phase("Succeeded").Build());
        Assert.Equal(2, Node().FreeGpus);
        Assert.False(_cluster.TryGetPod("a", out _));
        _cluster.ReplacePods([new PodBuilder("b").Gpus(2).On("n", Devices(0, 1)).Phase("Failed").Build()], consistent: true);
        Assert.Equal(2, Node().FreeGpus);
    }

    [Fact]
    public void What_the_API_says_of_a_bound_pod_wins_over_the_promise()
    {
        _cluster.UpsertNode(new NodeBuilder("m").Gpus("NVIDIA-A10", 2).Build());
        _engine.Promise(Whole("a", 1), "n");
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("m", Devices(1)).Build());
        Assert.Equal((2, 1), (Node().FreeGpus, _cluster.Current.Find("m")!.FreeGpus));
        Assert.Equal(0b01ul, _cluster.Current.Find("m")!.IdleMask);
        _cluster.Commit("a");
        Assert.Equal((2, 1), (Node().FreeGpus, _cluster.Current.Find("m")!.FreeGpus));
    }

    [Fact]
    public void A_bound_pod_without_annotation_takes_what_it_most_likely_has()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n").Build());
        Assert.Equal((1, 1), (Node().FreeGpus, Node().UsedGpus));
        Assert.True(_cluster.TryGetAllocation("a", out var allocation));
        Assert.Equal(AllocationState.Presumed, allocation.State);
        Assert.Single(Node().Allocations[0].Devices.Devices);
        Assert.True(_engine.Promise(Whole("b", 1), "n").IsGranted);
        Assert.False(_engine.Promise(Whole("c", 1), "n").IsGranted);
        _cluster.DeletePod("a");
        Assert.Equal(1, Node().FreeGpus);
    }

    [Fact]
    public void More_bound_pods_than_devices_leave_nothing_and_are_reported()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(2).On("n").Build());
        _cluster.UpsertPod(new PodBuilder("b").Gpus(1).On("n").Build());
        Assert.True(Node().HasConflict);
        Assert.Equal((0, 0ul, 0ul), (Node().FreeGpus, Node().IdleMask, Node().ShareMask));
        Assert.False(_engine.Promise(new PodBuilder("c").Share(milli: 1).Build(), "n").IsGranted);
    }

    [Fact]
    public void Two_pods_with_one_device_are_a_conflict_and_so_is_a_device_that_is_not_there()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("n", Devices(0)).Build());
        Assert.False(Node().HasConflict);
        _cluster.UpsertPod(new PodBuilder("b").Gpus(1).On("n", Devices(0)).Build());
        Assert.True(Node().HasConflict);
        _cluster.DeletePod("b");
        Assert.False(Node().HasConflict);
        _cluster.UpsertPod(new PodBuilder("b").Gpus(1).On("n", Devices(7)).Build());
        Assert.True(Node().HasConflict);
    }

    [Fact]
    public void A_tentative_hold_is_no_conflict_when_somebody_else_binds_there()
    {
        Assert.True(_cluster.Hold(Whole("a", 2), "n"));
        _cluster.UpsertPod(new PodBuilder("b").Gpus(1).On("n").Build());
        Assert.False(Node().HasConflict);
        Assert.False(Node().Firm.HasConflict);
        _cluster.UpsertPod(new PodBuilder("c").Gpus(1).On("n", Devices(0)).Build());
        Assert.False(Node().HasConflict);
    }

    [Fact]
    public void A_node_that_comes_back_has_its_pods_again()
    {
        Bind("a", 1);
        _cluster.DeleteNode("n");
        Assert.Null(_cluster.Current.Find("n"));
        _cluster.UpsertNode(new NodeBuilder("other").Gpus("NVIDIA-A10", 1).Build());
        _cluster.UpsertNode(new NodeBuilder("n").Gpus("NVIDIA-A10", 2).Build());
        Assert.Equal(1, Node().FreeGpus);
        Assert.Equal(1, _cluster.Current.Find("other")!.FreeGpus);
        _cluster.DeleteNode("n");
        _cluster.DeletePod("a");
        _cluster.UpsertNode(new NodeBuilder("n").Gpus("NVIDIA-A10", 2).Build());
        Assert.Equal(2, Node().FreeGpus);
    }

    [Fact]
    public void Pods_and_reports_may_come_before_their_node()
    {
        _cluster.UpsertPod(new PodBuilder("a").Gpus(1).On("late", Devices(0)).Build());
        _cluster.UpsertReport("late", new NodeReport([new GpuInfo { Index = 0, Uuid = "GPU-0" }, new GpuInfo { Index = 1, Uuid = "GPU-1" }], null, null));
        _cluster.UpsertNode(new NodeBuilder("late").Gpus("NVIDIA-A10", 2).Build());
        var node = _cluster.Current.Find("late")!;
        Assert.Equal((1, "GPU-1"), (node.FreeGpus, node.Facts.Gpus[1].Uuid));
        _cluster.DeleteReport("late");
        Assert.Null(_cluster.Current.Find("late")!.Facts.Gpus[1].Uuid);
    }

    [Fact]
    public void A_published_snapshot_never_changes_and_generations_grow()
    {
        var before = _cluster.Current;
        var node = before.Find("n")!;
        Assert.Same(before, _cluster.Current);
        Bind("a", 2);
        _cluster.UpsertNode(new NodeBuilder("m").Gpus("NVIDIA-A10", 1).Build());
        _cluster.DeleteNode("n");
        var after = _cluster.Current;
        Assert.Same(node, before.Find("n"));
        Assert.Equal(2, node.FreeGpus);
        Assert.Null(before.Find("m"));
        Assert.Null(after.Find("n"));
        Assert.True(after.Generation > before.Generation);
    }

    [Fact]
    public void A_node_that_only_reports_to_be_alive_changes_nothing()
    {
        var before = _cluster.Current;
        _cluster.UpsertNode(new NodeBuilder("n").Gpus("NVIDIA-A10", 2).Build());
        Assert.Same(before, _cluster.Current);
        Assert.True(_cluster.Current.Generation == before.Generation);
    }

    [Fact]
    public void Nodes_that_a_list_no_longer_shows_are_gone()
    {
        _cluster.UpsertNode(new NodeBuilder("m").Gpus("NVIDIA-A10", 1).Build());
        _cluster.ReplaceNodes([new NodeBuilder("m").Gpus("NVIDIA-A10", 4).Build(), new NodeBuilder("k").Build()]);
        Assert.Null(_cluster.Current.Find("n"));
        Assert.Equal(4, _cluster.Current.Find("m")!.FreeGpus);
        Assert.NotNull(_cluster.Current.Find("k"));
        Assert.Equal(2, _cluster.Current.Index.Count);
    }

    [Fact]
    public void Holds_expire_and_free_their_devices()
    {
        _cluster.Hold(Whole("a", 1), "n");
        _engine.Promise(Whole("b", 1), "n");
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("a", Assert.Single(_cluster.Expire()).Pod.Uid);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(AllocationState.Promised, Assert.Single(_cluster.Expire()).State);
        Assert.Equal(2, Node().FreeGpus);
        Assert.Empty(_cluster.Expire());
    }

    [Fact]
    public void A_hold_moves_with_its_pod_and_never_replaces_something_firmer()
    {
        _cluster.UpsertNode(new NodeBuilder("m").Gpus("NVIDIA-A10", 2).Build());
        Assert.True(_cluster.Hold(Whole("a", 1), "n"));
        Assert.True(_cluster.Hold(Whole("a", 1), "m"));
        Assert.Equal((2, 1), (Node().FreeGpus, _cluster.Current.Find("m")!.FreeGpus));
        Assert.True(_engine.Promise(Whole("a", 1), "m").IsGranted);
        Assert.False(_cluster.Hold(Whole("a", 1), "n"));
        Assert.Equal((2, 1), (Node().FreeGpus, _cluster.Current.Find("m")!.FreeGpus));
    }

    [Fact]
    public void The_devices_that_were_held_are_those_promised()
    {
        _cluster.Hold(Whole("a", 1), "n");
        _cluster.Hold(Whole("b", 1), "n");
        _cluster.TryGetAllocation("b", out var hold);
        Assert.Equal(hold!.Devices, _engine.Promise(Whole("b", 1), "n").Allocation!.Devices);
    }

    [Fact]
    public void Held_devices_that_the_node_no_longer_offers_are_not_promised()
    {
        NodeReport Report(bool firstHealthy, MigMode mig) => new([new GpuInfo { Index = 0, Healthy = firstHealthy }, new GpuInfo { Index = 1, Mig = mig }], null, null);
        _cluster.UpsertNode(new NodeBuilder("a100").Product("NVIDIA-A100-SXM4-40GB").Whole(2).Build());
        _cluster.UpsertReport("a100", Report(true, MigMode.Disabled));
        _cluster.Hold(Whole("a", 1), "a100");
        _cluster.Hold(Whole("b", 1), "a100");
        _cluster.UpsertReport("a100", Report(false, MigMode.OnDemand));
        Assert.False(_engine.Promise(Whole("a", 1), "a100").IsGranted);
        Assert.False(_engine.Promise(Whole("b", 1), "a100").IsGranted);
        _cluster.UpsertReport("a100", Report(true, MigMode.OnDemand));
        Assert.Equal(0, _engine.Promise(Whole("b", 1), "a100").Allocation!.Devices.Devices[0].Gpu);
    }

    [Fact]
    public void Of_many_binds_at_once_no_two_get_the_same_device()
    {
        _cluster.UpsertNode(new NodeShape(NodeKind.V100CubeMesh, "v").Node());
        var shapes = Enumerable.Range(0, 400).Select(i => PodShape.Random(new Random(i)) with { Models = [], MinMemoryMiB = 0 }).ToArray();
        var promised = new AuditedHold?[shapes.Length];
        Parallel.For(0, shapes.Length, i =>
        {
            var pod = shapes[i].Builder($"p{i}").Build();
            var snapshot = _cluster.Current;
            int[] candidates = [.. Enumerable.Range(0, snapshot.Nodes.Length)];
            var statuses = new Status[candidates.Length];
            _engine.Filter(pod, snapshot, candidates, statuses);
            _engine.Prioritize(pod, snapshot, candidates, new int[candidates.Length]);
            var result = _engine.Promise(pod, i % 2 == 0 ? "v" : "n");
            if (result.IsGranted)
            {
                promised[i] = shapes[i].Hold(pod.Uid, result.Allocation.Node, result.Allocation.Devices);
                _cluster.Commit(pod.Uid);
            }
        });
        var holds = promised.OfType<AuditedHold>().ToList();
        Assert.True(holds.Count >= 4);
        Assert.Empty(ClusterAuditor.Audit([new NodeShape(NodeKind.V100CubeMesh, "v").Audited(null)], holds));
    }

    private NodeInfo Node() => _cluster.Current.Find("n")!;

    private static PodInfo Whole(string uid, int gpus) => new PodBuilder(uid).Gpus(gpus).Build();

    private static DeviceAssignment Devices(params int[] gpus) => new([.. gpus.Select(g => new AssignedDevice(g))]);

    private void Bind(string uid, int gpus)
    {
        var promise = _engine.Promise(Whole(uid, gpus), "n");
        Assert.True(promise.IsGranted);
        _cluster.UpsertPod(new PodBuilder(uid).Gpus(gpus).On("n", promise.Allocation.Devices).Build());
    }
}
