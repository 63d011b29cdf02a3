using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

public class ScheduleTests
{
    private readonly ClusterState _cluster = new(new ManualTimeProvider(), new LedgerOptions());
    private readonly SchedulingEngine _engine;

    public ScheduleTests() => _engine = new SchedulingEngine(_cluster, new EngineOptions { Profile = PlacementPolicies.Create("firstfit", new PolicyContext()) });

    [Fact]
    public void Among_equals_the_node_that_was_added_first_wins()
    {
        Add("z", "T4", 1);
        Add("a", "T4", 1);
        Assert.Equal("z", _engine.Schedule(Whole("p", 1)).Node);
        Assert.Equal("a", _engine.Schedule(Whole("q", 1)).Node);
        Assert.Null(_engine.Schedule(Whole("r", 1)).Node);
    }

    [Fact]
    public void What_was_scheduled_is_bound_and_does_not_expire_until_the_pod_is_gone()
    {
        Add("a", "T4", 1);
        Assert.Equal("a", _engine.Schedule(Whole("p", 1)).Node);
        Assert.True(_cluster.TryGetAllocation("p", out var allocation));
        Assert.Equal((AllocationState.Bound, null), (allocation.State, allocation.Expires));
        _cluster.DeletePod("p");
        Assert.Equal("a", _engine.Schedule(Whole("q", 1)).Node);
    }

    [Fact]
    public void A_pod_that_is_placed_stays_where_it_is()
    {
        Add("a", "T4", 2);
        Add("b", "T4", 2);
        var first = _engine.Schedule(Whole("p", 1));
        _cluster.DeleteNode("a");
        var again = _engine.Schedule(Whole("p", 1));
        Assert.Equal((first.Node, first.Devices), (again.Node, again.Devices));
    }

    [Fact]
    public void A_hold_of_the_pod_itself_is_not_in_its_way()
    {
        Add("a", "T4", 1);
        _cluster.Hold(Whole("p", 1), "a");
        Assert.Equal("a", _engine.Schedule(Whole("p", 1)).Node);
    }

    [Fact]
    public void A_node_held_for_another_pod_is_second_choice_and_the_hold_yields()
    {
        Add("a", "T4", 1);
        Add("b", "T4", 1);
        _cluster.Hold(Whole("other", 1), "a");
        Assert.Equal("b", _engine.Schedule(Whole("p", 1)).Node);
        Assert.Equal("a", _engine.Schedule(Whole("q", 1)).Node);
        Assert.False(_cluster.TryGetAllocation("other", out _));
    }

    [Fact]
    public void A_decision_counts_the_nodes_that_would_do_and_the_reasons_of_those_that_would_not()
    {
        Add("a", "T4", 1);
        Add("b", "T4", 2);
        Add("c", "P100", 2);
        _cluster.UpsertNode(new NodeBuilder("d").Build());
        var placed = _engine.Schedule(new PodBuilder("p").Gpus(1).Model("T4").Build());
        Assert.Equal("a", placed.Node);
        Assert.Equal(2, placed.FeasibleNodes);
        Assert.Equal(new Dictionary<Status, int> { [Reasons.Model] = 1, [Reasons.NoGpu] = 1 }, placed.Refusals);
        var failed = _engine.Schedule(new PodBuilder("q").Gpus(2).Model("T4").Build());
        Assert.Equal("b", failed.Node);
        failed = _engine.Schedule(new PodBuilder("r").Gpus(2).Model("T4").Build());
        Assert.Null(failed.Node);
        Assert.Empty(failed.Devices.Devices);
        Assert.Equal(0, failed.FeasibleNodes);
        Assert.Equal(new Dictionary<Status, int> { [Reasons.Model] = 1, [Reasons.NoGpu] = 1, [Reasons.TooFewGpus] = 1, [Reasons.FewFreeGpus] = 1 }, failed.Refusals);
    }

    [Fact]
    public void A_pod_without_GPUs_goes_to_any_node_with_CPU_and_by_default_to_one_without_GPUs()
    {
        Add("a", "T4", 1);
        _cluster.UpsertNode(new NodeBuilder("cpu").Allocatable("cpu", "2").Build());
        var engine = new SchedulingEngine(_cluster, new EngineOptions { Profile = PlacementPolicies.Create("default", new PolicyContext()) });
        Assert.Equal("cpu", engine.Schedule(new PodBuilder("p").Request("cpu", "2").Build()).Node);
        Assert.Equal("a", engine.Schedule(new PodBuilder("q").Request("cpu", "2").Build()).Node);
        Assert.True(_cluster.TryGetAllocation("q", out _));
        Assert.Equal("cpu", engine.Schedule(new PodBuilder("r").Build()).Node);
    }

    [Fact]
    public void A_request_that_cannot_be_understood_is_refused_with_the_reason_and_holds_nothing()
    {
        Add("a", "T4", 1);
        var error = Assert.Throws<ArgumentException>(() => _engine.Schedule(new PodBuilder("p").Annotate(GpuAnnotations.GpuMilli, "many").Build()));
        Assert.Contains("many", error.Message, StringComparison.Ordinal);
        Assert.False(_cluster.TryGetPod("p", out _));
    }

    [Fact]
    public void Pods_scheduled_at_once_never_share_a_device()
    {
        for (var i = 0; i < 40; i++)
        {
            Add($"n{i}", "T4", 2);
        }

        var decisions = new Decision[100];
        Parallel.For(0, decisions.Length, i => decisions[i] = _engine.Schedule(Whole($"p{i}", 1)));
        var devices = decisions.Where(d => d.Node is not null).Select(d => (d.Node, d.Devices.Devices[0].Gpu)).ToList();
        Assert.Equal(80, devices.Count);
        Assert.Equal(80, devices.Distinct().Count());
        foreach (var node in _cluster.Current.Nodes)
        {
            Assert.False(node!.HasConflict);
        }
    }

    private void Add(string name, string product, int gpus) => _cluster.UpsertNode(new NodeBuilder(name).Gpus(product, gpus).Build());

    private static PodInfo Whole(string uid, int gpus) => new PodBuilder(uid).Gpus(gpus).Build();
}
