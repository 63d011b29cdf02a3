using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs.Life;

/// <summary>Members that a scheduling gate keeps from kube-scheduler: nobody asks about them before the gate is removed.</summary>
public sealed class GatedGangTests
{
    private static readonly NodeDemands s_nothing = new([], [], []);
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_gated_gang_is_planned_without_being_asked_about_and_each_member_is_released_to_its_own_node()
    {
        var bench = new GangBench(4);
        Arrive(bench, "g", 3);

        bench.Pass(s_second);
        var released = bench.Gangs.TakeToRelease(10);

        Assert.Equal(3, bench.Holding(AllocationState.Planned));
        Assert.Equal(["g-0", "g-1", "g-2"], released.Select(r => r.Pod.Uid));
        Assert.Equal(3, released.Select(r => r.Node).OfType<string>().Distinct().Count());
        Assert.Empty(bench.Gangs.TakeToWake(10));
        foreach (var release in released)
        {
            Assert.Equal(release.Node, bench.Place(Ungate(bench, release), release.Node!));
        }
    }

    [Fact]
    public void An_incomplete_gang_and_one_without_room_keep_their_gates()
    {
        var bench = new GangBench(2);
        bench.Cluster.UpsertPod(Gated("a", 0, 2));
        Arrive(bench, "b", 3);

        bench.Pass(s_second);

        Assert.Empty(bench.Gangs.TakeToRelease(10));
        Assert.Empty(bench.Cluster.CountAllocations());
        Assert.Contains("short of 1 node", bench.Gangs.Find("default", "b").Single().Reason, StringComparison.Ordinal);
        bench.Cluster.UpsertNode(GangBench.Node("n9"));
        bench.Pass(s_second);
        Assert.Equal(3, bench.Gangs.TakeToRelease(10).Count);
    }

    [Fact]
    public void Gangs_are_released_by_priority_and_then_by_age()
    {
        var bench = new GangBench(6);
        Arrive(bench, "old", 2);
        bench.Pass(s_second);
        Arrive(bench, "young", 2);
        Arrive(bench, "urgent", 2, priority: 5);
        bench.Pass(s_second);

        Assert.Equal(["urgent", "urgent", "old", "old", "young"], bench.Gangs.TakeToRelease(5).Select(r => r.Pod.Gang!.Key.Name));
    }

    [Fact]
    public void A_release_is_tried_again_after_pauses_that_grow_until_the_gate_is_seen_gone()
    {
        var bench = new GangBench(4);
        Arrive(bench, "g", 2);
        bench.Pass(s_second);
        var first = bench.Gangs.TakeToRelease(10);
        bench.Gangs.ReleaseFailed(first[0].Pod, "the API server answered 403");
        Ungate(bench, first[1]);

        Assert.Empty(bench.Gangs.TakeToRelease(10));
        bench.Pass(s_second);
        Assert.Equal(first[0], Assert.Single(bench.Gangs.TakeToRelease(10)));
        bench.Pass(s_second);
        Assert.Empty(bench.Gangs.TakeToRelease(10));
        bench.Pass(s_second);
        Assert.Single(bench.Gangs.TakeToRelease(10));
        Assert.Contains(bench.Gangs.List().Single().History, e => e.What.Contains("403", StringComparison.Ordinal));
    }

    [Fact]
    public void A_gang_of_which_only_some_carry_the_gate_is_planned_when_the_others_ask()
    {
        var bench = new GangBench(4);
        var open = GangBench.Member("g", 0, 8, 3) with { Demands = s_nothing };
        bench.Cluster.UpsertPod(open);
        var gated = new[] { Gated("g", 1, 3), Gated("g", 2, 3) };
        Array.ForEach(gated, bench.Cluster.UpsertPod);

        var place = bench.Place(open, "n0", "n1", "n2");
        var released = bench.Gangs.TakeToRelease(10);

        Assert.Equal(["g-1", "g-2"], released.Select(r => r.Pod.Uid));
        Assert.DoesNotContain(released, r => r.Node is null or "n3" || r.Node == place);
    }

    [Fact]
    public void A_gate_of_others_comes_first()
    {
        var bench = new GangBench(4);
        var pods = Arrive(bench, "g", 2);
        bench.Cluster.UpsertPod(pods[1] with { SchedulingGates = [GpuAnnotations.GangGate, "kueue.x-k8s.io/admission"] });
        bench.Pass(s_second);
        Assert.Empty(bench.Gangs.TakeToRelease(10));

        bench.Cluster.UpsertPod(pods[1]);
        bench.Pass(s_second);
        Assert.Equal(2, bench.Gangs.TakeToRelease(10).Count);
    }

    [Fact]
    public void After_a_restart_members_that_were_released_go_to_the_node_that_their_affinity_names()
    {
        var before = new GangBench(6);
        Arrive(before, "g", 3);
        before.Pass(s_second);
        var released = before.Gangs.TakeToRelease(10).Take(2).ToList();

        var after = new GangBench(6);
        after.Cluster.UpsertNode(GangBench.Node("a0")); // whatever is best now
        var pinned = released.Select(r => Ungate(after, r)).ToList();
        after.Cluster.UpsertPod(Gated("g", 2, 3));
        after.Pass(s_second);

        Assert.Equal(released.Select(r => r.Node), pinned.Select(p => after.Place(p, p.PlannedNode!)));
        Assert.Equal("g-2", Assert.Single(after.Gangs.TakeToRelease(10)).Pod.Uid);
        Assert.Equal(3, after.Holding(AllocationState.Planned));
    }

    [Fact]
    public void A_member_whose_node_will_not_do_any_more_has_to_be_replaced_and_says_so()
    {
        var bench = new GangBench(4);
        Arrive(bench, "g", 2);
        bench.Pass(s_second);
        var released = bench.Gangs.TakeToRelease(10);
        var pods = released.Select(r => Ungate(bench, r)).ToList();
        bench.Cluster.DeleteNode(released[0].Node!);
        bench.Pass(s_second);

        var (node, why) = bench.Filter(pods[1], released[1].Node!);
        Assert.Equal(released[1].Node, node ?? released[1].Node);
        (node, why) = bench.Filter(pods[0], released[1].Node!);
        Assert.Null(node);
        Assert.Contains($"can only go to node {released[0].Node}", why, StringComparison.Ordinal);
        Assert.Empty(bench.Cluster.CountAllocations());

        bench.Cluster.DeletePod(pods[0].Uid);
        bench.Cluster.UpsertPod(Gated("g", 7, 2));
        bench.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal("g-7", Assert.Single(bench.Gangs.TakeToRelease(10)).Pod.Uid);
        Assert.Equal(released[1].Node, bench.Place(pods[1], released[1].Node!));
    }

    [Fact]
    public void Nodes_that_the_pods_do_not_tolerate_or_select_are_left_alone()
    {
        var bench = new GangBench(1);
        bench.Cluster.UpsertNode(new Testing.NodeBuilder("tainted").Gpus("NVIDIA-H100-80GB-HBM3", 8).Taint(NodeTaint.Unschedulable).Build());
        bench.Cluster.UpsertNode(new Testing.NodeBuilder("other").Gpus("Tesla-V100-SXM2-32GB", 8).Build());
        var demands = new NodeDemands([new NodeRequirement("nvidia.com/gpu.product", "In", ["NVIDIA-H100-80GB-HBM3"])], [], []);
        var pods = Enumerable.Range(0, 2).Select(i => Gated("g", i, 2) with { Demands = demands }).ToList();
        pods.ForEach(bench.Cluster.UpsertPod);
        bench.Pass(s_second);
        Assert.Empty(bench.Gangs.TakeToRelease(10));

        bench.Cluster.UpsertNode(GangBench.Node("tainted"));
        bench.Pass(s_second);
        Assert.Equal(["n0", "tainted"], bench.Gangs.TakeToRelease(10).Select(r => r.Node).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_place_that_is_spoilt_before_the_release_is_planned_anew()
    {
        var bench = new GangBench(3);
        Arrive(bench, "g", 2);
        bench.Pass(s_second);
        var node = bench.Cluster.AllocationsIn(AllocationState.Planned)[0].Node;
        bench.Cluster.UpsertNode(new Testing.NodeBuilder(node).Gpus("NVIDIA-H100-80GB-HBM3", 8).Taint(NodeTaint.Unschedulable).Build());
        bench.Pass(s_second);

        var released = bench.Gangs.TakeToRelease(10);
        Assert.Equal(2, released.Count);
        Assert.DoesNotContain(released, r => r.Node == node);
    }

    [Fact]
    public void What_only_kube_scheduler_can_judge_is_left_to_it()
    {
        var bench = new GangBench(3);
        var pods = Enumerable.Range(0, 2).Select(i => Gated("g", i, 2) with { Demands = new NodeDemands([], [], [], "volumes") }).ToList();
        pods.ForEach(bench.Cluster.UpsertPod);
        bench.Pass(s_second);

        Assert.Equal([null, null], bench.Gangs.TakeToRelease(10).Select(r => r.Node));
    }

    [Fact]
    public void A_gated_pod_that_is_placed_by_itself_is_released_at_once()
    {
        var bench = new GangBench(3);
        bench.Cluster.UpsertPod(Gated("g", 0, 1));
        bench.Pass(s_second);

        Assert.Null(Assert.Single(bench.Gangs.TakeToRelease(10)).Node);
    }

    private static PodInfo Gated(string gang, int number, int min, int priority = 0) =>
        GangBench.Member(gang, number, 8, min, min, priority) with { SchedulingGates = [GpuAnnotations.GangGate], Demands = s_nothing };

    private static PodInfo[] Arrive(GangBench bench, string gang, int members, int priority = 0)
    {
        var pods = Enumerable.Range(0, members).Select(i => Gated(gang, i, members, priority)).ToArray();
        Array.ForEach(pods, bench.Cluster.UpsertPod);
        return pods;
    }

    /// <summary>The patch took effect and the watch shows it.</summary>
    private static PodInfo Ungate(GangBench bench, GangRelease release)
    {
        var pod = release.Pod with { SchedulingGates = ImmutableArray<string>.Empty, PlannedNode = release.Node };
        bench.Cluster.UpsertPod(pod);
        return pod;
    }
}
