using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs.Life;

/// <summary>Who is removed for a gang that has no place, and what becomes of the room.</summary>
public sealed class GangPreemptionTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Each_member_is_told_the_victims_on_its_own_node_and_the_same_when_asked_again()
    {
        var bench = Full(2, out var urgent);

        var first = Preempt(bench, urgent[0]);
        var second = Preempt(bench, urgent[1]);

        Assert.Equal(["n0", "n1"], new[] { first, second }.Select(a => Assert.Single(a).Node).Order());
        Assert.Equal(["low0", "low1"], new[] { first, second }.SelectMany(a => Assert.Single(a).VictimUids).Order());
        Assert.Equal(Assert.Single(first).VictimUids, Assert.Single(Preempt(bench, urgent[0])).VictimUids);
    }

    [Fact]
    public void Filter_says_that_removing_pods_could_help_only_where_it_could()
    {
        var bench = Full(2, out var urgent);
        bench.Cluster.UpsertNode(GangBench.Node("n9"));
        Take(bench, new PodBuilder("high").Gpus(4).Priority(9).Build(), "n9");
        var statuses = new Status[3];
        bench.Engine.Filter(bench.Arrive("three", 3, 4, priority: 5)[0], bench.Cluster.Current, [0, 1, 2], statuses);

        Assert.Equal([StatusCode.Unschedulable, StatusCode.Unschedulable, StatusCode.Wait], statuses.Select(s => s.Code));
        Assert.Single(statuses.Select(s => s.Reason).Distinct());
        Assert.NotEmpty(urgent);
    }

    [Fact]
    public void Nothing_is_removed_for_a_gang_that_would_not_have_a_place_then_either()
    {
        var bench = Full(2, out _);
        Take(bench, new PodBuilder("extra").Gpus(0).Build(), null);
        var wide = bench.Arrive("wide", 3, 8, priority: 5);
        Assert.Null(bench.Filter(wide[0]).Node);

        Assert.Empty(Preempt(bench, wide[0]));
        Assert.Empty(bench.Gangs.TakeToEvict(10));
    }

    [Fact]
    public void Nothing_is_removed_for_a_gang_that_is_not_complete()
    {
        var bench = Full(2, out _);
        var member = GangBench.Member("part", 0, 8, 2, priority: 5);
        bench.Cluster.UpsertPod(member);
        Assert.Null(bench.Filter(member).Node);

        Assert.Empty(Preempt(bench, member));
    }

    [Fact]
    public void Nothing_is_removed_for_a_gang_that_says_never()
    {
        var bench = Full(2, out _);
        var pods = Enumerable.Range(0, 2).Select(i => GangBench.Member("mild", i, 8, 2, priority: 5) with { NeverPreempts = true }).ToList();
        pods.ForEach(bench.Cluster.UpsertPod);
        Assert.Equal(StatusCode.Wait, CodeOf(bench, pods[0]));

        Assert.Empty(Preempt(bench, pods[0]));
    }

    [Fact]
    public void Pods_of_the_same_priority_stay()
    {
        var bench = Full(2, out _);
        var equal = bench.Arrive("equal", 2, 8, priority: 1);
        Assert.Null(bench.Filter(equal[0]).Node);
        Take(bench, new PodBuilder("x").Build(), null);

        Assert.All(Preempt(bench, equal[0]), a => Assert.DoesNotContain("high", a.VictimUids));
        var lowest = bench.Arrive("lowest", 2, 8);
        Assert.Null(bench.Filter(lowest[0]).Node);
        Assert.Empty(Preempt(bench, lowest[0]));
    }

    [Fact]
    public void A_gang_is_removed_whole_where_no_member_goes_too()
    {
        var bench = new GangBench(3, Options());
        var low = bench.Arrive("low", 3, 8);
        bench.Run(low);
        var urgent = bench.Arrive("urgent", 2, 8, priority: 5);
        Assert.Null(bench.Filter(urgent[0]).Node);

        var told = Assert.Single(Preempt(bench, urgent[0]));
        var ours = bench.Gangs.TakeToEvict(10);

        Assert.Single(told.VictimUids);
        Assert.Equal(["low-0", "low-1", "low-2"], told.VictimUids.Concat(ours.Select(e => e.Pod.Uid)).Order());
        Assert.All(ours, e => Assert.Equal("urgent", e.For.Name));
        Assert.Empty(bench.Gangs.TakeToEvict(10));
    }

    [Fact]
    public void What_kube_scheduler_did_not_delete_is_deleted_after_a_while()
    {
        var bench = Full(2, out var urgent);
        var told = Assert.Single(Preempt(bench, urgent[0])).VictimUids;
        Assert.DoesNotContain(told.Single(), bench.Gangs.TakeToEvict(10).Select(e => e.Pod.Uid));

        bench.Pass(5 * s_second);

        Assert.Contains(told.Single(), bench.Gangs.TakeToEvict(10).Select(e => e.Pod.Uid));
    }

    [Fact]
    public void Of_several_jobs_those_are_removed_that_cost_least_and_those_under_a_budget_last()
    {
        var bench = new GangBench(3, Options());
        Take(bench, new PodBuilder("guarded").Gpus(8).Build(), "n0");
        Take(bench, new PodBuilder("low").Gpus(8).Build(), "n1");
        Take(bench, new PodBuilder("mid").Gpus(8).Priority(1).Build(), "n2");
        var urgent = bench.Arrive("urgent", 2, 8, priority: 5);
        Assert.Null(bench.Filter(urgent[0]).Node);

        var told = bench.Engine.Preempt(urgent[0], bench.Cluster.Current, [new("n0", ["guarded"], 1), new("n1", ["low"], 0), new("n2", ["mid"], 0)]);

        Assert.DoesNotContain(told, a => a.VictimUids.Contains("guarded"));
        Assert.Equal(["low", "mid"], told.SelectMany(a => a.VictimUids).Concat(bench.Gangs.TakeToEvict(9).Select(e => e.Pod.Uid)).Order());
    }

    [Fact]
    public void Freed_devices_are_kept_for_the_gang_and_it_takes_its_places()
    {
        var bench = Full(2, out var urgent);
        var nominated = Assert.Single(Preempt(bench, urgent[0]));
        bench.Cluster.DeletePod("low0");

        var thief = new PodBuilder("thief").Gpus(8).Build();
        bench.Cluster.UpsertPod(thief);
        var statuses = new Status[2];
        Assert.Equal(0, bench.Engine.Filter(thief, bench.Cluster.Current, [0, 1], statuses));
        Assert.Contains(statuses, s => s.Reason.Contains("kept for gang default/urgent", StringComparison.Ordinal));

        bench.Cluster.DeletePod("low1");
        bench.Pass(s_second + s_second);
        Assert.Equal(2, bench.Holding(AllocationState.Planned));
        Assert.Equal(nominated.Node, bench.Place(urgent[0], nominated.Node));
        Assert.Empty(bench.Gangs.TakeToEvict(10));
    }

    [Fact]
    public void A_member_that_is_offered_only_the_node_it_was_told_keeps_the_plan_of_the_others()
    {
        var bench = Full(2, out var urgent);
        var nominated = Assert.Single(Preempt(bench, urgent[0])).Node;

        Assert.Null(bench.Filter(urgent[0], nominated).Node); // the victims are still there
        bench.Cluster.DeletePod("low0");
        bench.Cluster.DeletePod("low1");
        bench.Time.Advance(s_second);

        Assert.Equal(nominated, bench.Place(urgent[0], nominated));
        Assert.Equal(2, bench.Holding(AllocationState.Planned));
    }

    [Fact]
    public void When_the_victims_do_not_go_in_time_nothing_is_kept_any_more()
    {
        var bench = Full(2, out var urgent, new GangOptions { Placer = new NaiveGangSolver(), Preempts = true, KeepForNext = false });
        Assert.NotEmpty(Preempt(bench, urgent[0]));
        Assert.Equal(2, Assert.Single(bench.Gangs.Find("default", "urgent")).KeptNodes.Length);

        bench.Pass(TimeSpan.FromMinutes(6));

        Assert.Empty(Assert.Single(bench.Gangs.Find("default", "urgent")).KeptNodes);
    }

    [Fact]
    public void Room_is_worked_out_once_for_a_cluster_that_does_not_change()
    {
        var solver = new NaiveGangSolver();
        var bench = Full(2, out _, new GangOptions { Placer = solver, Preempts = true });
        var wide = bench.Arrive("wide", 3, 8, priority: 5);
        Assert.Null(bench.Filter(wide[0]).Node);

        foreach (var pod in wide)
        {
            Assert.Empty(Preempt(bench, pod));
        }

        Assert.Equal(1, solver.Rooms);
    }

    /// <summary>Nodes that are full of pods of priority 0, and a gang of priority 5 that would need them all.</summary>
    private static GangBench Full(int nodes, out PodInfo[] urgent, GangOptions? options = null)
    {
        var bench = new GangBench(nodes, options ?? Options());
        for (var i = 0; i < nodes; i++)
        {
            Take(bench, new PodBuilder($"low{i}").Gpus(8).Build(), $"n{i}");
        }

        urgent = bench.Arrive("urgent", nodes, 8, priority: 5);
        Assert.Null(bench.Filter(urgent[0]).Node);
        return bench;
    }

    private static GangOptions Options() => new() { Placer = new NaiveGangSolver(), Preempts = true };

    private static void Take(GangBench bench, PodInfo pod, string? node)
    {
        if (node is null)
        {
            bench.Cluster.UpsertPod(pod);
        }
        else
        {
            bench.Bound(pod, bench.Engine.Promise(pod, node));
        }
    }

    private static StatusCode CodeOf(GangBench bench, PodInfo pod)
    {
        var statuses = new Status[1];
        bench.Engine.Filter(pod, bench.Cluster.Current, [0], statuses);
        return statuses[0].Code;
    }

    /// <summary>Asks as kube-scheduler does: with every node on which a less urgent pod runs.</summary>
    private static IReadOnlyList<PreemptionCandidate> Preempt(GangBench bench, PodInfo pod)
    {
        var candidates = bench.Cluster.AllocationsIn(AllocationState.Bound).Where(a => a.Pod.Priority < pod.Priority).GroupBy(a => a.Node)
            .Select(on => new PreemptionCandidate(on.Key, [.. on.Select(a => a.Pod.Uid)], 0)).ToList();
        return bench.Engine.Preempt(pod, bench.Cluster.Current, candidates);
    }
}
