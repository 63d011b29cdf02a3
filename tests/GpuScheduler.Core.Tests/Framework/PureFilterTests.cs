using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Tests.Gangs.Life;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

/// <summary>Questions that leave no trace: <see cref="SchedulingEngine.Simulate"/>.</summary>
public class PureFilterTests
{
    [Fact]
    public void Asked_any_number_of_times_the_state_is_the_same_and_the_answer_is_that_of_a_filter_on_a_twin()
    {
        var (passed, refused, members, placed) = (0, 0, 0, 0);
        for (var seed = 0; seed < 80; seed++)
        {
            var world = new World(seed);
            var before = world.Digest();
            var pods = world.Questions();
            foreach (var pod in pods)
            {
                var (statuses, scores) = world.Simulate(pod);
                for (var again = 0; again < 3; again++)
                {
                    var other = world.Simulate(pod);
                    Assert.Equal(statuses.Select(s => (s.Code, s.Reason)), other.Statuses.Select(s => (s.Code, s.Reason)));
                    Assert.Equal(scores, other.Scores);
                }

                Assert.Equal(before, world.Digest());
                var twin = new World(seed);
                Assert.Equal(before, twin.Digest());
                var gang = pod.Gang is { Key: var key } ? twin.Engine.Gangs!.Find(key.Namespace, key.Name).FirstOrDefault() : null;
                var hasPlace = twin.Cluster.TryGetAllocation(pod.Uid, out var held) && held.State == AllocationState.Planned;
                var byItself = pod.Request.WantsGpu && twin.Cluster.FindGroup(pod) is { Standing: PodGroupStanding.Complete } && !hasPlace;
                var expected = twin.Filter(pod, byItself);
                Assert.True(expected.Select(s => (s.Code, s.Reason)).SequenceEqual(statuses.Select(s => (s.Code, s.Reason))), $"seed {seed}, {pod}: {string.Join("; ", expected.Zip(statuses).Where(p => p.First != p.Second))}");
                Assert.Equal(new World(seed).Prioritize(pod), scores);
                passed += statuses.Count(s => s.IsSuccess);
                refused += statuses.Count(s => !s.IsSuccess);
                members += gang is null ? 0 : 1;
                placed += hasPlace ? 1 : 0;
            }
        }

        Assert.True(passed > 300 && refused > 300 && members > 60 && placed > 10, $"{passed} passed, {refused} refused, {members} members of gangs, {placed} with a place");
    }

    [Fact]
    public void A_node_that_there_is_not_is_judged_and_scored_as_it_would_be_if_it_were_there()
    {
        var (passed, refused) = (0, 0);
        for (var seed = 0; seed < 600; seed++)
        {
            var random = new Random(seed);
            var node = new NodeShape((NodeKind)random.Next(6), "template").Node();
            var pod = (random.Next(5) == 0 ? new PodShape() : PodShape.Random(random)).Builder("q").Build();
            var (empty, real) = (new GangBench(0), new GangBench(0));
            real.Cluster.UpsertNode(node);
            var (simulated, filtered) = (new Status[1], new Status[1]);
            var (guessed, scored) = (new int[1], new int[1]);

            empty.Engine.Simulate(pod, empty.Cluster.Current, [-1], [TemplateNode.Of(node)], simulated);
            empty.Engine.SimulateScores(pod, empty.Cluster.Current, [-1], [TemplateNode.Of(node)], guessed);
            real.Engine.Prioritize(pod, real.Cluster.Current, [0], scored);
            real.Engine.Filter(pod, real.Cluster.Current, [0], filtered);

            Assert.Equal((filtered[0], scored[0]), (simulated[0], guessed[0]));
            passed += simulated[0].IsSuccess ? 1 : 0;
            refused += simulated[0].IsSuccess ? 0 : 1;
        }

        Assert.True(passed > 50 && refused > 50, $"{passed} passed, {refused} refused");
    }

    [Fact]
    public void Templates_stand_among_known_nodes_in_their_order_and_one_that_cannot_be_read_is_refused_alone()
    {
        var bench = new GangBench(2);
        var statuses = new Status[5];

        var passed = bench.Engine.Simulate(
            new PodBuilder("p").Gpus(8).Build(),
            bench.Cluster.Current,
            [-1, 0, -1, 1, -1],
            [TemplateNode.Of(new NodeBuilder("t4").Gpus("Tesla-T4", 1).Build()), TemplateNode.Unreadable("metadata.labels must be an object"), TemplateNode.Of(GangBench.Node("new"))],
            statuses);

        Assert.Equal(3, passed);
        Assert.Equal([Reasons.TooFewGpus.Kind, Status.Success, Reasons.UnreadableNode, Status.Success, Status.Success], statuses.Select(s => s.Kind));
        Assert.Equal("Node object cannot be understood: metadata.labels must be an object", statuses[2].Reason);
    }

    [Fact]
    public void A_made_up_product_gets_no_number_in_this_process()
    {
        var before = ProductIds.Count;
        var node = new NodeBuilder("new").Gpus("NVIDIA-MADE-UP-100", 4).Build();
        var engine = new GangBench(0).Engine;
        var statuses = new Status[1];
        engine.Simulate(new PodBuilder("p").Gpus(2).Model("MADE").Build(), engine.Cluster.Current, [-1], [TemplateNode.Of(node)], statuses);

        Assert.True(statuses[0].IsSuccess);
        engine.Simulate(new PodBuilder("p").Gpus(2).Model("H100").Build(), engine.Cluster.Current, [-1], [TemplateNode.Of(node)], statuses);
        Assert.Equal(Reasons.Model, statuses[0]);
        Assert.Equal(ProductIds.None, NodeFactsBuilder.BuildTemplate(node).ProductId);
        Assert.True(ProductIds.Find("NVIDIA-MADE-UP-100") == ProductIds.None && before <= ProductIds.Count);
    }

    [Fact]
    public void A_complete_gang_without_room_may_ask_node_by_node_and_an_incomplete_one_is_told_what_is_missing()
    {
        var bench = new GangBench(1);
        var complete = bench.Arrive("g", 2, 8);
        var lonely = GangBench.Member("h", 0, 8, 2);
        bench.Cluster.UpsertPod(lonely);
        var statuses = new Status[1];

        Assert.Equal(1, bench.Engine.Simulate(complete[0], bench.Cluster.Current, [-1], [TemplateNode.Of(GangBench.Node("new"))], statuses));
        Assert.Equal(0, bench.Engine.Simulate(lonely, bench.Cluster.Current, [-1], [TemplateNode.Of(GangBench.Node("new"))], statuses));
        Assert.Contains("1 of 2 members", statuses[0].Reason, StringComparison.Ordinal);
        Assert.Empty(bench.Cluster.CountAllocations());
        Assert.Null(bench.Gangs.Find("default", "g").Single().Plan);
    }

    [Fact]
    public async Task Questions_beside_live_decisions_do_not_change_them()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var (alone, beside) = (new World(seed), new World(seed));
            using var ends = new CancellationTokenSource();
            var questions = beside.Questions();
            var asking = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                for (var i = 0; !ends.IsCancellationRequested; i++)
                {
                    beside.Simulate(questions[i % questions.Count]);
                }
            })).ToArray();

            alone.Live(40);
            beside.Live(40);
            await ends.CancelAsync();
            await Task.WhenAll(asking);

            // When what has changed becomes a new snapshot depends on who looks; what is in it does not.
            Assert.Equal(alone.Digest(withGeneration: false), beside.Digest(withGeneration: false));
        }
    }

    /// <summary>A random cluster in the midst of work; of one seed always the same.</summary>
    private sealed class World : IArrivalObserver
    {
        private readonly Random _random;
        private readonly IArrivalObserver _learner;
        private readonly List<PodInfo> _pods = [];
        private int _learned;
        private int _next;

        public World(int seed)
        {
            _random = new Random(seed);
            var profile = Profile.Create(new ScoreWeights());
            _learner = profile.Observer!;
            Cluster = new ClusterState(Time, new LedgerOptions());
            Engine = new SchedulingEngine(Cluster, new EngineOptions { Profile = profile with { Observer = this }, Gangs = new GangOptions() });
            for (var i = _random.Next(2, 8); i > 0; i--)
            {
                var shape = new NodeShape((NodeKind)_random.Next(6), $"n{i}");
                Cluster.UpsertNode(_random.Next(2) == 0 ? GangBench.Node($"n{i}", $"r{_random.Next(2)}") : shape.Node());
            }

            Live(_random.Next(5, 40));
        }

        public ManualTimeProvider Time { get; } = new();

        public ClusterState Cluster { get; }

        public SchedulingEngine Engine { get; }

        public void Observe(PodInfo pod, bool isNew, Snapshot snapshot)
        {
            _learned += isNew ? 1 : 0;
            _learner.Observe(pod, isNew, snapshot);
        }

        /// <summary>Pods come, are filtered, prioritized, bound and deleted; gangs come in part or whole.</summary>
        public void Live(int steps)
        {
            for (; steps > 0; steps--)
            {
                switch (_random.Next(8))
                {
                    case < 3:
                        var pod = Pod($"p{_next++}");
                        Cluster.UpsertPod(pod);
                        _pods.Add(pod);
                        Decide(pod);
                        break;
                    case 3:
                        var (gang, size, here, gpus) = ($"g{_next++}", _random.Next(1, 4), _random.Next(1, 4), 1 << _random.Next(4));
                        for (var i = 0; i < Math.Min(size, here); i++)
                        {
                            var member = GangBench.Member(gang, i, gpus, size);
                            Cluster.UpsertPod(member);
                            _pods.Add(member);
                        }

                        break;
                    case 4 when _pods.Count > 0:
                        Decide(_pods[_random.Next(_pods.Count)]);
                        break;
                    case 5 when _pods.Count > 0:
                        var gone = _pods[_random.Next(_pods.Count)];
                        _pods.Remove(gone);
                        Cluster.DeletePod(gone.Uid);
                        break;
                    case 6:
                        Time.Advance(TimeSpan.FromSeconds(_random.Next(1, 10)));
                        Cluster.Expire();
                        Engine.Gangs!.Sweep();
                        break;
                    default:
                        break;
                }
            }

            // What has gone is seen to with the next live call of any kind.
            Engine.Gangs!.Sweep();
        }

        /// <summary>New pods, pods that hold something tentatively or by a plan, and members of gangs in every standing.</summary>
        public List<PodInfo> Questions()
        {
            var random = new Random(_next);
            return [Pod("q1"), Pod("q2"), GangBench.Member("alone", 0, 8, 2), .. _pods.Where(p => Cluster.TryGetPod(p.Uid, out var now) && now.NodeName is null).OrderBy(_ => random.Next()).Take(6)];
        }

        public (Status[] Statuses, int[] Scores) Simulate(PodInfo pod)
        {
            var snapshot = Cluster.Current;
            var candidates = Candidates(snapshot);
            var statuses = new Status[candidates.Length];
            var passed = Engine.Simulate(pod, snapshot, candidates, [TemplateNode.Unreadable("x")], statuses);
            Assert.Equal(passed, statuses.Count(s => s.IsSuccess));
            statuses[^1] = Reasons.UnknownNode; // which a filter says of it
            var scores = new int[candidates.Length];
            Engine.SimulateScores(pod, snapshot, candidates, [TemplateNode.Unreadable("x")], scores);
            return (statuses, scores);
        }

        public Status[] Filter(PodInfo pod, bool byItself)
        {
            var snapshot = Cluster.Current;
            var candidates = Candidates(snapshot);
            var statuses = new Status[candidates.Length];
            var engine = byItself ? new SchedulingEngine(Cluster, new EngineOptions()) : Engine;
            engine.Filter(pod, snapshot, candidates, statuses);
            statuses[^1] = Reasons.UnknownNode;
            return statuses;
        }

        public int[] Prioritize(PodInfo pod)
        {
            var snapshot = Cluster.Current;
            var candidates = Candidates(snapshot);
            var scores = new int[candidates.Length];
            Engine.Prioritize(pod, snapshot, candidates, scores);
            return scores;
        }

        /// <summary>All there is to see of the state.</summary>
        public string Digest(bool withGeneration = true)
        {
            var snapshot = Cluster.Current;
            var lines = new List<string>
            {
                string.Create(CultureInfo.InvariantCulture, $"generation {(withGeneration ? snapshot.Generation : 0)}, groups {Cluster.GroupVersion}, learned {_learned}, scores {Engine.Cluster.Gangs.Length}"),
                string.Join(' ', Cluster.CountAllocations().OrderBy(c => c.Key).Select(c => $"{c.Key}={c.Value}")),
                string.Join(' ', Cluster.OldestHolds().OrderBy(c => c.Key).Select(c => $"{c.Key}={c.Value:O}")),
                string.Join(' ', Cluster.Pods.Select(p => $"{p.Uid}@{p.NodeName}").Order(StringComparer.Ordinal)),
                string.Join(' ', Engine.Gangs!.Victims.Order(StringComparer.Ordinal)),
                string.Join(' ', Engine.Gangs.Claims.Select(c => $"{c.Gang}:{string.Join(',', c.Members.Keys.Order(StringComparer.Ordinal))}")),
            };
            foreach (var node in snapshot.Nodes)
            {
                lines.Add(node is null ? "" : $"{node.Facts.Name}: {string.Join(' ', node.Allocations.Select(a => $"{a.Pod.Uid} {a.State} {a.Expires:O} {a.Devices.ToAnnotation()}").Order(StringComparer.Ordinal))}");
            }

            foreach (var key in Cluster.Gangs.OrderBy(k => k.ToString(), StringComparer.Ordinal))
            {
                foreach (var view in Engine.Gangs.Find(key.Namespace, key.Name))
                {
                    lines.Add($"{key}: {view.State} {view.Reason} {view.QueuePlace} {view.Expires:O} {string.Join(',', view.KeptNodes)} {string.Join(',', view.Members)} {string.Join(',', view.History)}");
                }
            }

            return string.Join('\n', lines);
        }

        private static int[] Candidates(Snapshot snapshot) => [.. Enumerable.Range(0, snapshot.Nodes.Length), -1];

        private PodInfo Pod(string uid)
        {
            var random = new Random(_next * 31);
            return (random.Next(6) == 0 ? new PodShape() : random.Next(2) == 0 ? new PodShape { Whole = 1 << random.Next(4) } : PodShape.Random(random)).Builder(uid).Build();
        }

        private void Decide(PodInfo pod)
        {
            var snapshot = Cluster.Current;
            var candidates = Candidates(snapshot);
            var statuses = new Status[candidates.Length];
            if (Engine.Filter(pod, snapshot, candidates, statuses) == 0)
            {
                return;
            }

            if (pod.Gang is null)
            {
                Engine.Prioritize(pod, snapshot, candidates, new int[candidates.Length]);
            }

            if (pod.Gang is null && _random.Next(3) > 0 && Cluster.TryGetAllocation(pod.Uid, out var held) && Engine.Promise(pod, held.Node) is { IsGranted: true } promise)
            {
                Cluster.Commit(pod.Uid);
                Cluster.UpsertPod(pod with { NodeName = promise.Allocation.Node, Assignment = promise.Allocation.Devices });
            }
        }
    }
}
