using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs.Life;

/// <summary>Who of those that wait is due next, what is kept for it, and what others may have meanwhile.</summary>
public sealed class GangQueueTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_single_pod_does_not_get_what_the_gang_that_is_due_next_needs_and_is_told_so()
    {
        var bench = Crowded();

        var (node, why) = Ask(bench, "small", 4);

        Assert.Null(node);
        Assert.Contains("kept for gang default/next, which is due next", why, StringComparison.Ordinal);
        Assert.Contains("short of 1 node with 8 GPUs free; it is due next, and 2 nodes are kept for it", bench.Filter(Member(bench, "next-0")).Why, StringComparison.Ordinal);
        var view = Assert.Single(bench.Gangs.Find("default", "next"));
        Assert.Equal(1, view.QueuePlace);
        Assert.Equal(2, view.KeptNodes.Length);
    }

    [Fact]
    public void A_pod_that_was_not_asked_about_before_the_nodes_were_kept_is_refused_at_bind()
    {
        var bench = new GangBench(2);
        Bind(bench, "old", 8, "n0");
        var small = new PodBuilder("small").Gpus(4).Build();
        bench.Cluster.UpsertPod(small);
        Assert.Equal(1, bench.Engine.Filter(small, bench.Cluster.Current, [0, 1], new Status[2]));
        Assert.Null(bench.Filter(bench.Arrive("next", 2, 8)[0]).Node);
        bench.Pass(s_second);

        Assert.Contains("kept for gang default/next", bench.Engine.Promise(small, "n1").Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_are_kept_for_a_gang_though_the_network_has_changed_since_it_was_planned()
    {
        var bench = new GangBench(0);
        foreach (var (name, rack) in new[] { ("n0", "r0"), ("n1", "r1") })
        {
            bench.Cluster.UpsertNode(GangBench.Node(name, rack));
            Bind(bench, $"old-{name}", 1, name);
        }

        Assert.Contains("the cluster is short of", bench.Filter(bench.Arrive("next", 2, 8)[0]).Why, StringComparison.Ordinal);

        // Levels and domains have other numbers now, and it is too soon to plan anew.
        bench.Cluster.UpsertNode(new NodeBuilder("n0").Gpus("NVIDIA-H100-80GB-HBM3", 8).Build());
        bench.Cluster.UpsertNode(new NodeBuilder("n1").Gpus("NVIDIA-H100-80GB-HBM3", 8).Build());
        bench.Gangs.Sweep();

        Assert.Equal(2, Assert.Single(bench.Gangs.Find("default", "next")).KeptNodes.Length);
    }

    [Fact]
    public void A_more_urgent_pod_gets_what_is_kept()
    {
        var bench = Crowded();

        Assert.NotNull(Ask(bench, "urgent", 4, priority: 1).Node);
    }

    [Fact]
    public void Nodes_that_the_gang_cannot_use_are_free_to_others()
    {
        var bench = Crowded();
        bench.Cluster.UpsertNode(GangBench.Node("n9"));
        Bind(bench, "nine", 1, "n9");
        Assert.Null(bench.Filter(Member(bench, "next-0")).Node);
        bench.Pass(s_second);
        Assert.Equal(["n1", "n9"], Assert.Single(bench.Gangs.Find("default", "next")).KeptNodes);

        bench.Cluster.UpsertNode(GangBench.Node("small-node"));
        Bind(bench, "six", 6, "small-node");
        bench.Pass(s_second);
        Assert.Equal("small-node", Ask(bench, "small", 2).Node);
    }

    [Fact]
    public void Beside_the_members_on_a_kept_node_others_may_have_the_rest()
    {
        var bench = new GangBench(2);
        Bind(bench, "a", 8, "n0");
        Bind(bench, "b", 2, "n1");
        Assert.Null(bench.Filter(bench.Arrive("next", 2, 4)[0]).Node);
        bench.Pass(s_second);
        var kept = Assert.Single(Assert.Single(bench.Gangs.Find("default", "next")).KeptNodes);
        Assert.Equal("n1", kept);

        // Both members of 4 are to go to n1, and one has to wait for two more GPUs: nothing is left over.
        Assert.Null(Ask(bench, "small", 1).Node);
        bench.Cluster.DeletePod("b");
        bench.Pass(s_second + s_second);
        Assert.Equal(2, bench.Holding(AllocationState.Planned));
    }

    [Fact]
    public void A_later_gang_is_placed_where_it_does_not_delay_the_one_that_is_due_next()
    {
        var bench = new GangBench(3);
        Bind(bench, "a", 8, "n0");
        Bind(bench, "b", 4, "n1");
        Assert.Null(bench.Filter(bench.Arrive("next", 2, 8)[0]).Node);
        bench.Pass(s_second);
        Assert.Equal(["n1", "n2"], Assert.Single(bench.Gangs.Find("default", "next")).KeptNodes);
        bench.Time.Advance(s_second);

        var later = bench.Arrive("later", 2, 4);
        Assert.Contains("beside what is kept for gang default/next", bench.Filter(later[0]).Why, StringComparison.Ordinal);
        bench.Pass(s_second);
        Assert.Contains("it is number 2 of those that wait", bench.Filter(later[0]).Why, StringComparison.Ordinal);

        bench.Cluster.UpsertNode(GangBench.Node("n9"));
        Bind(bench, "c", 5, "n9");
        bench.Cluster.DeletePod("a");
        bench.Pass(s_second + s_second);
        Assert.All(bench.Cluster.AllocationsIn(AllocationState.Planned), h => Assert.Equal("next", h.Pod.Gang!.Key.Name));
    }

    [Fact]
    public void A_more_urgent_gang_goes_first_though_it_came_later()
    {
        var bench = Crowded();
        bench.Time.Advance(s_second);
        var urgent = bench.Arrive("urgent", 2, 4, priority: 1);

        Assert.NotNull(bench.Filter(urgent[0]).Node);
    }

    [Fact]
    public void A_gang_that_not_even_the_empty_cluster_could_hold_keeps_nothing_from_others()
    {
        var bench = new GangBench(2);
        Assert.Null(bench.Filter(bench.Arrive("huge", 3, 8)[0]).Node);
        bench.Pass(s_second);

        Assert.NotNull(Ask(bench, "small", 8).Node);
        Assert.Empty(Assert.Single(bench.Gangs.Find("default", "huge")).KeptNodes);
    }

    [Fact]
    public void The_nodes_stay_the_same_while_the_gang_does_not_come_nearer_elsewhere()
    {
        var bench = new GangBench(4);
        Bind(bench, "a", 8, "n0");
        Bind(bench, "b", 8, "n1");
        Bind(bench, "c", 8, "n2");
        Bind(bench, "d", 1, "n3");
        Assert.Null(bench.Filter(bench.Arrive("next", 2, 8)[0]).Node);
        bench.Pass(s_second);
        var first = Assert.Single(bench.Gangs.Find("default", "next")).KeptNodes;
        Assert.Contains("n3", first);

        var other = new[] { "n0", "n1", "n2" }.Except(first).First();
        bench.Cluster.UpsertPod(new PodBuilder("tiny").Build());
        bench.Pass(s_second);
        Assert.Equal(first, Assert.Single(bench.Gangs.Find("default", "next")).KeptNodes);
        bench.Cluster.DeletePod(other == "n0" ? "a" : other == "n1" ? "b" : "c");
        bench.Pass(s_second + s_second);
        Assert.Equal(new[] { "n3", other }.Order(), Assert.Single(bench.Gangs.Find("default", "next")).KeptNodes);
    }

    [Fact]
    public void After_its_turn_nothing_is_kept_for_a_gang_until_the_others_had_theirs()
    {
        var bench = Crowded(new GangOptions { KeepLimit = TimeSpan.FromMinutes(10) });
        Assert.Null(Ask(bench, "small", 4).Node);

        bench.Pass(TimeSpan.FromMinutes(10));

        Assert.Contains(bench.Gangs.TakeToWake(10), p => p.Uid == "small");
        Assert.NotNull(Ask(bench, "small", 4).Node);
        bench.Cluster.Abandon("small");
        bench.Pass(TimeSpan.FromMinutes(9));
        Assert.NotNull(Ask(bench, "small", 4).Node);
        bench.Cluster.Abandon("small");
        bench.Pass(TimeSpan.FromMinutes(2));
        bench.Pass(s_second);
        Assert.Null(Ask(bench, "small", 4).Node);
    }

    [Fact]
    public void Nothing_is_kept_when_that_is_switched_off()
    {
        var bench = Crowded(new GangOptions { KeepForNext = false });

        Assert.NotNull(Ask(bench, "small", 4).Node);
    }

    [Fact]
    public void A_gang_of_which_a_part_runs_is_completed_before_others_whatever_their_priority()
    {
        var bench = new GangBench(3);
        var part = bench.Arrive("part", 2, 8);
        bench.Run(part);
        Bind(bench, "old", 8, "n0", "n1", "n2");
        Assert.Null(bench.Filter(bench.Arrive("urgent", 2, 8, priority: 9)[0]).Node);
        bench.Pass(s_second);
        Assert.Equal(2, Assert.Single(bench.Gangs.Find("default", "urgent")).KeptNodes.Length);

        bench.Cluster.DeletePod("part-1");
        var replacement = GangBench.Member("part", 7, 8, 2);
        bench.Cluster.UpsertPod(replacement);

        Assert.NotNull(bench.Filter(replacement).Node);
    }

    [Fact]
    public void Gangs_that_would_each_fit_are_planned_together_and_the_one_that_is_due_next_has_its_place()
    {
        var solver = new NaiveGangSolver();
        var bench = Both(new GangOptions { Placer = solver }, out var finish);
        Assert.True(finish());
        bench.Pass(s_second);

        Assert.Equal(1, solver.Batches);
        Assert.All(bench.Cluster.AllocationsIn(AllocationState.Planned), h => Assert.Equal("first", h.Pod.Gang!.Key.Name));
        Assert.Equal(2, bench.Holding(AllocationState.Planned));
    }

    [Fact]
    public void A_joint_plan_that_leaves_out_the_gang_that_is_due_next_is_not_used()
    {
        var solver = new NaiveGangSolver { Order = static batch => Enumerable.Range(0, batch.Gangs.Length).Reverse() };
        var bench = Both(new GangOptions { Placer = solver }, out var finish);
        Assert.True(finish());
        bench.Pass(s_second);

        Assert.All(bench.Cluster.AllocationsIn(AllocationState.Planned), h => Assert.Equal("first", h.Pod.Gang!.Key.Name));
    }

    [Fact]
    public void When_weight_decides_the_heavier_gang_may_go_first()
    {
        var bench = Both(new GangOptions { Placer = new NaiveGangSolver(), WeightDecides = true }, out var finish);
        Assert.True(finish());
        bench.Pass(s_second);

        Assert.All(bench.Cluster.AllocationsIn(AllocationState.Planned), h => Assert.Equal("second", h.Pod.Gang!.Key.Name));
        Assert.Equal(3, bench.Holding(AllocationState.Planned));
    }

    [Fact]
    public void A_joint_plan_whose_nodes_are_gone_meanwhile_is_made_again_one_by_one()
    {
        var bench = Both(new GangOptions { Placer = new NaiveGangSolver() }, out var finish);
        Assert.True(finish());
        var taken = new PodBuilder("urgent").Gpus(8).Priority(9).Build();
        Assert.True(bench.Engine.Promise(taken, "n0").IsGranted);
        bench.Pass(s_second);

        Assert.Equal(2, bench.Holding(AllocationState.Planned));
        Assert.DoesNotContain(bench.Cluster.AllocationsIn(AllocationState.Planned), h => h.Node == "n0");
    }

    /// <summary>Two nodes of which one is full, and a gang that needs both.</summary>
    private static GangBench Crowded(GangOptions? options = null)
    {
        var bench = new GangBench(2, options);
        Bind(bench, "old", 8, "n0");
        Assert.Null(bench.Filter(bench.Arrive("next", 2, 8)[0]).Node);
        bench.Pass(s_second);
        return bench;
    }

    /// <summary>Two gangs that wait, and of which each would fit, but not both; the second is larger.</summary>
    private static GangBench Both(GangOptions options, out Func<bool> finish)
    {
        var bench = new GangBench(3, options);
        var work = new Queue<Action>();
        bench.Gangs.Background = plan =>
        {
            var done = new TaskCompletionSource<GangBatchPlan>();
            work.Enqueue(() => done.SetResult(plan()));
            return done.Task;
        };
        for (var i = 0; i < 3; i++)
        {
            Bind(bench, $"old{i}", 8, $"n{i}");
        }

        Assert.Null(bench.Filter(bench.Arrive("first", 2, 8)[0]).Node);
        bench.Time.Advance(s_second);
        var second = bench.Arrive("second", 3, 8);
        Assert.Null(bench.Filter(second[0]).Node);
        for (var i = 0; i < 3; i++)
        {
            bench.Cluster.DeletePod($"old{i}");
        }

        bench.Pass(s_second + s_second);
        Assert.Contains("planned together", bench.Filter(second[1]).Why, StringComparison.Ordinal);
        Assert.Empty(bench.Cluster.CountAllocations());
        finish = () =>
        {
            var any = work.TryDequeue(out var next);
            next?.Invoke();
            return any;
        };
        return bench;
    }

    private static void Bind(GangBench bench, string name, int gpus, params string[] nodes)
    {
        var pod = new PodBuilder(name).Gpus(gpus).Build();
        var promise = nodes.Select(n => bench.Engine.Promise(pod, n)).First(p => p.IsGranted);
        bench.Bound(pod, promise);
    }

    private static PodInfo Member(GangBench bench, string uid) => bench.Cluster.TryGetPod(uid, out var pod) ? pod : throw new InvalidOperationException();

    private static (string? Node, string Why) Ask(GangBench bench, string name, int gpus, int priority = 0)
    {
        var pod = new PodBuilder(name).Gpus(gpus).Priority(priority).Build();
        bench.Cluster.UpsertPod(pod);
        var snapshot = bench.Cluster.Current;
        var candidates = Enumerable.Range(0, snapshot.Nodes.Length).ToArray();
        var statuses = new Status[candidates.Length];
        bench.Engine.Filter(pod, snapshot, candidates, statuses);
        var at = Array.FindIndex(statuses, s => s.IsSuccess);
        return at >= 0 ? (snapshot.Nodes[at]!.Facts.Name, "") : (null, string.Join(", ", statuses.Select(s => s.Reason)));
    }
}
