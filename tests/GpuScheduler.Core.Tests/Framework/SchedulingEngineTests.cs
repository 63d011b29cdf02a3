using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

public class SchedulingEngineTests
{
    private readonly ClusterState _cluster = new(new ManualTimeProvider(), new LedgerOptions());
    private readonly SchedulingEngine _engine;

    public SchedulingEngineTests() => _engine = new SchedulingEngine(_cluster, new EngineOptions());

    [Fact]
    public void The_only_node_left_is_held_and_the_pod_itself_may_still_have_it()
    {
        AddNodes("NVIDIA-A10", 1, "a");
        var pod = Whole("p", 1);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal([Status.Success], Filter(pod));
            Assert.Equal([10], Prioritize(pod));
            Assert.Equal(AllocationState.Tentative, State("p"));
        }

        Assert.True(_engine.Promise(pod, "a").IsGranted);
    }

    [Fact]
    public void A_node_held_for_another_pod_is_refused_while_some_other_will_do()
    {
        AddNodes("NVIDIA-A10", 1, "a", "b");
        _cluster.Hold(Whole("first", 1), "a");
        Assert.Equal([Reasons.Held, Status.Success], Filter(Whole("p", 1)));
        Assert.True(_cluster.TryGetAllocation("p", out var hold));
        Assert.Equal("b", hold.Node);
    }

    [Fact]
    public void When_all_that_would_do_is_held_it_is_let_through_and_the_bind_decides()
    {
        AddNodes("NVIDIA-A10", 1, "a", "b");
        _cluster.Hold(Whole("first", 1), "a");
        _cluster.Hold(Whole("second", 1), "b");
        Assert.Equal([Status.Success, Status.Success], Filter(Whole("p", 1)));
        Assert.Equal(1, Prioritize(Whole("p", 1)).Count(s => s == 10));
        Assert.True(_engine.Promise(Whole("p", 1), "a").IsGranted);
        Assert.False(_cluster.TryGetAllocation("first", out _));
        Assert.Equal(AllocationState.Tentative, State("second"));
        Assert.False(_engine.Promise(Whole("first", 1), "a").IsGranted);
    }

    [Fact]
    public void What_is_promised_is_not_let_through()
    {
        AddNodes("NVIDIA-A10", 1, "a");
        Assert.True(_engine.Promise(Whole("first", 1), "a").IsGranted);
        Assert.False(Filter(Whole("p", 1))[0].IsSuccess);
    }

    [Fact]
    public void A_decided_pod_may_go_to_its_node_only()
    {
        AddNodes("NVIDIA-A10", 2, "a", "b");
        var pod = Whole("p", 1);
        _engine.Promise(pod, "b");
        Assert.Equal([Reasons.DecidedElsewhere, Status.Success], Filter(pod));
        _cluster.Commit("p");
        Assert.Equal([Reasons.DecidedElsewhere, Status.Success], Filter(pod));
        Assert.Equal(AllocationState.Committed, State("p"));
    }

    [Fact]
    public void A_pod_without_GPUs_may_go_anywhere_known_prefers_nodes_without_and_holds_nothing()
    {
        AddNodes("NVIDIA-A10", 1, "a");
        _cluster.UpsertNode(new NodeBuilder("cpu").Build());
        var pod = new PodBuilder("p").Request("cpu", "1").Build();
        Assert.Equal([Status.Success, Status.Success], Filter(pod));
        Assert.Equal([2, 10], Prioritize(pod));
        Assert.False(_cluster.TryGetAllocation("p", out _));
    }

    [Fact]
    public void An_unknown_candidate_is_refused_and_scored_zero()
    {
        AddNodes("NVIDIA-A10", 1, "a");
        var statuses = new Status[2];
        Assert.Equal(1, _engine.Filter(Whole("p", 1), _cluster.Current, [-1, 0], statuses));
        Assert.Equal([Reasons.UnknownNode, Status.Success], statuses);
        var scores = new int[2];
        _engine.Prioritize(Whole("p", 1), _cluster.Current, [-1, 0], scores);
        Assert.Equal([0, 10], scores);
        Assert.Equal(0, _engine.Filter(new PodBuilder("q").Build(), _cluster.Current, [-1], statuses));
    }

    [Fact]
    public void With_one_answer_only_the_best_node_passes_and_again_the_same()
    {
        var engine = new SchedulingEngine(_cluster, new EngineOptions { AnswerOneNode = true });
        AddNodes("NVIDIA-H100-80GB-HBM3", 8, "a", "b", "c");
        Assert.True(engine.Promise(Whole("old", 4), "b").IsGranted);
        for (var i = 0; i < 3; i++)
        {
            var statuses = new Status[3];
            Assert.Equal(1, engine.Filter(Whole("p", 4), _cluster.Current, [0, 1, 2], statuses));
            Assert.Equal([Reasons.DecidedElsewhere, Status.Success, Reasons.DecidedElsewhere], statuses);
        }

        Assert.True(_cluster.TryGetAllocation("p", out var hold));
        Assert.Equal("b", hold.Node);
    }

    [Fact]
    public void Nobody_fits_and_nobody_gets_a_point()
    {
        AddNodes("NVIDIA-A10", 1, "a", "b");
        Assert.Equal([0, 0], Prioritize(Whole("p", 2)));
        Assert.False(_cluster.TryGetAllocation("p", out _));
    }

    [Fact]
    public void Full_nodes_come_first_and_whole_machines_are_kept_for_large_pods()
    {
        AddNodes("NVIDIA-H100-80GB-HBM3", 8, "empty", "used");
        Assert.True(_engine.Promise(Whole("old", 6), "used").IsGranted);
        Assert.Equal([Status.Success, Status.Success], Filter(Whole("p", 2)));
        Assert.Equal(10, Prioritize(Whole("p", 2))[1]);
        Assert.Equal([Status.Success, Reasons.FewFreeGpus], Filter(Whole("q", 8)));
    }

    [Fact]
    public void Preferred_links_bring_the_faster_machine()
    {
        AddNodes("NVIDIA-H100-80GB-HBM3", 8, "h100");
        AddNodes("NVIDIA-L40S", 8, "l40s");
        var pod = new PodBuilder("p").Gpus(4).Nvlink("preferred").Build();
        Assert.Equal([Status.Success, Status.Success], Filter(pod));
        Assert.Equal(10, Prioritize(pod)[0]);
    }

    [Fact]
    public void Whatever_the_cluster_exactly_one_node_is_best_and_the_hold_is_there()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var cluster = RandomCluster(random, out _);
            var engine = new SchedulingEngine(cluster, new EngineOptions());
            var pod = PodShape.Random(random).Builder("p").Build();
            var snapshot = cluster.Current;
            var statuses = new Status[snapshot.Nodes.Length];
            int[] all = [.. Enumerable.Range(0, statuses.Length)];
            engine.Filter(pod, snapshot, all, statuses);
            int[] passed = [.. all.Where(i => statuses[i].IsSuccess)];
            random.Shuffle(passed);
            var scores = new int[passed.Length];
            engine.Prioritize(pod, snapshot, passed, scores);
            if (passed.Length == 0)
            {
                continue;
            }

            Assert.Equal(1, scores.Count(s => s == SchedulingEngine.MaxScore));
            Assert.All(scores, s => Assert.InRange(s, 0, SchedulingEngine.MaxScore));
            Assert.True(cluster.TryGetAllocation("p", out var hold));
            Assert.Equal(snapshot.Nodes[passed[Array.IndexOf(scores, SchedulingEngine.MaxScore)]]!.Facts.Name, hold.Node);
            var again = new int[passed.Length];
            engine.Prioritize(pod, cluster.Current, passed, again);
            Assert.Equal(scores, again);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Victims_are_enough_and_each_added_one_is_needed_and_of_lower_priority(bool someWithoutAnnotation)
    {
        var (kept, completed) = (0, 0);
        for (var seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            var cluster = RandomCluster(random, out var bound, someWithoutAnnotation);
            var engine = new SchedulingEngine(cluster, new EngineOptions());
            var pod = (PodShape.Random(random) with { Priority = 2, Models = [] }).Builder("p").Build();
            var snapshot = cluster.Current;
            var candidates = new List<PreemptionCandidate>();
            foreach (var node in snapshot.Nodes)
            {
                var victims = bound.Where(b => b.NodeName == node!.Facts.Name && b.Priority < 2 && random.Next(3) == 0).Select(b => b.Uid);
                candidates.Add(new PreemptionCandidate(node!.Facts.Name, [.. victims], random.Next(3)));
            }

            candidates.Add(new PreemptionCandidate("unknown", ["x"], 0));
            var answer = engine.Preempt(pod, snapshot, candidates).ToDictionary(a => a.Node);
            Assert.False(answer.ContainsKey("unknown"));
            foreach (var candidate in candidates.SkipLast(1))
            {
                bool FitsWithout(IEnumerable<string> removed) => Fits(snapshot.Find(candidate.Node)!, bound, removed, pod);
                var lower = bound.Where(b => b.NodeName == candidate.Node && b.Priority < 2).Select(b => b.Uid).ToList();
                if (!answer.TryGetValue(candidate.Node, out var complete))
                {
                    Assert.True(!FitsWithout(lower.Concat(candidate.VictimUids)) || (candidate.VictimUids.IsEmpty && FitsWithout([])), $"seed {seed}: {candidate.Node} was dropped");
                    continue;
                }

                kept++;
                Assert.NotEmpty(complete.VictimUids);
                Assert.Equal(candidate.PdbViolations, complete.PdbViolations);
                Assert.Equal(candidate.VictimUids, complete.VictimUids.Take(candidate.VictimUids.Length));
                Assert.Equal(complete.VictimUids.Length, complete.VictimUids.Distinct().Count());
                Assert.True(FitsWithout(complete.VictimUids), $"seed {seed}: {candidate.Node}: not enough");
                foreach (var added in complete.VictimUids.Skip(candidate.VictimUids.Length))
                {
                    completed++;
                    Assert.Contains(added, lower);
                    Assert.False(FitsWithout(complete.VictimUids.Except([added])), $"seed {seed}: {candidate.Node}: {added} need not go");
                }
            }
        }

        Assert.True(kept > 200 && completed > 200, $"{kept} kept, {completed} victims added");
    }

    [Fact]
    public void For_a_pod_without_GPUs_victims_stay_as_they_are_and_empty_lists_are_dropped()
    {
        AddNodes("NVIDIA-A10", 1, "a", "b");
        var answer = _engine.Preempt(new PodBuilder("p").Priority(9).Build(), _cluster.Current, [new("a", ["x"], 1), new("b", [], 0)]);
        Assert.Equal(["a"], answer.Select(a => a.Node));
        Assert.Equal(["x"], answer[0].VictimUids);
    }

    [Fact]
    public void A_tentative_hold_is_no_reason_to_remove_anybody()
    {
        AddNodes("NVIDIA-A10", 1, "a");
        _cluster.Hold(Whole("first", 1), "a");
        Assert.Empty(_engine.Preempt(new PodBuilder("p").Gpus(1).Priority(9).Build(), _cluster.Current, [new("a", [], 0)]));
    }

    private void AddNodes(string product, int gpus, params string[] names)
    {
        foreach (var name in names)
        {
            _cluster.UpsertNode(new NodeBuilder(name).Gpus(product, gpus).Build());
        }
    }

    private static PodInfo Whole(string uid, int gpus) => new PodBuilder(uid).Gpus(gpus).Build();

    private AllocationState? State(string uid) => _cluster.TryGetAllocation(uid, out var allocation) ? allocation.State : null;

    private Status[] Filter(PodInfo pod)
    {
        var snapshot = _cluster.Current;
        var statuses = new Status[snapshot.Nodes.Length];
        Assert.Equal(_engine.Filter(pod, snapshot, [.. Enumerable.Range(0, statuses.Length)], statuses), statuses.Count(s => s.IsSuccess));
        return statuses;
    }

    private int[] Prioritize(PodInfo pod)
    {
        var snapshot = _cluster.Current;
        var scores = new int[snapshot.Nodes.Length];
        _engine.Prioritize(pod, snapshot, [.. Enumerable.Range(0, scores.Length)], scores);
        return scores;
    }

    /// <summary>Nodes of all kinds with bound pods on them.</summary>
    private static ClusterState RandomCluster(Random random, out List<PodInfo> bound, bool someWithoutAnnotation = false)
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        var engine = new SchedulingEngine(cluster, new EngineOptions());
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var shape = new NodeShape((NodeKind)random.Next(6), $"node-{i}");
            cluster.UpsertNode(shape.Node());
            if (shape.Kind == NodeKind.A100MigOnDemand || random.Next(2) == 0)
            {
                cluster.UpsertReport(shape.Name, shape.Report());
            }
        }

        bound = [];
        for (var i = random.Next(40); i > 0; i--)
        {
            var shape = PodShape.Random(random);
            var node = cluster.Current.Nodes[random.Next(cluster.Current.Nodes.Length)]!.Facts.Name;
            if (engine.Promise(shape.Builder($"b{i}").Build(), node) is { IsGranted: true, Allocation: { } promise })
            {
                bound.Add(shape.Builder($"b{i}").On(node, someWithoutAnnotation && random.Next(3) == 0 ? null : promise.Devices).Build());
                cluster.UpsertPod(bound[^1]);
            }
        }

        return cluster;
    }

    /// <summary>Asks a new engine, on a node that never had the removed pods.</summary>
    private static bool Fits(NodeInfo node, List<PodInfo> bound, IEnumerable<string> removed, PodInfo pod)
    {
        var gone = removed.ToHashSet();
        var left = bound.Where(b => b.NodeName == node.Facts.Name && !gone.Contains(b.Uid));
        var without = NodeInfo.Build(node.Facts, [.. left.OrderBy(b => b.Uid, StringComparer.Ordinal).Select(b => new Allocation(b, node.Facts.Name, b.Assignment ?? DeviceAssignment.Empty, b.Assignment is null && b.Request.WantsGpu ? AllocationState.Presumed : AllocationState.Bound))]);
        return !Profile.DefaultFilters.Any(f => !f.Filter(new CycleState(pod), without).IsSuccess);
    }
}
