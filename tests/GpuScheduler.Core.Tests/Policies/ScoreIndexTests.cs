using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Policies;

public class ScoreIndexTests
{
    [Fact]
    public void What_the_kept_scores_decide_is_what_a_scan_of_all_nodes_decides()
    {
        var (placed, failed, changed) = (0, 0, 0);
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Select(Gen.Int[0, 19], Gen.Int[0, int.MaxValue]).Array[1, 150]).Sample((seed, steps) =>
        {
            var world = new Twins(seed);
            foreach (var (what, with) in steps)
            {
                world.Step(what, with);
            }

            Interlocked.Add(ref placed, world.Placed);
            Interlocked.Add(ref failed, world.Failed);
            Interlocked.Add(ref changed, world.NodesChanged);
        }, iter: 600);
        Assert.True(placed > 5000 && failed > 500 && changed > 500, $"{placed} placed, {failed} failed, {changed} nodes changed");
    }

    [Fact]
    public void Many_nodes_without_memory_for_the_pod_are_passed_over()
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        for (var i = 0; i < 300; i++)
        {
            cluster.UpsertNode(new NodeBuilder($"n{i:000}").Allocatable("memory", i == 270 ? "4Gi" : i == 200 ? "2Gi" : "1Gi").Build());
        }

        var engine = new SchedulingEngine(cluster, new EngineOptions { Profile = PlacementPolicies.Create("firstfit", new PolicyContext()) });
        string? Place(string uid, string memory) => engine.Schedule(new PodBuilder(uid).Request("cpu", "1").Request("memory", memory).Build()).Node;
        Assert.Equal("n000", Place("a", "1Gi"));
        Assert.Equal("n200", Place("b", "2Gi"));
        Assert.Equal("n270", Place("c", "3Gi"));
        Assert.Null(Place("d", "3Gi"));
        Assert.Equal("n001", Place("e", "1Gi"));
    }

    [Fact]
    public void Shapes_that_were_not_asked_for_are_forgotten_first_and_worked_out_again()
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        for (var i = 0; i < 100; i++)
        {
            cluster.UpsertNode(new NodeBuilder($"n{i:000}").Gpus("T4", 4).Build());
        }

        var profile = PlacementPolicies.Create("mostallocated", new PolicyContext());
        var evaluator = new NodeEvaluator(profile);
        var small = new ScoreIndex(cluster, profile, evaluator, mostScores: 1_000);
        var large = new ScoreIndex(cluster, profile, evaluator);
        for (var i = 0; i < 200; i++)
        {
            var pod = new PodBuilder($"p{i}").Request("cpu", $"{(i % 7) + 1}").Share(milli: 100 * ((i % 3) + 1)).Build();
            var best = large.Find(pod, out var snapshot, out _);
            Assert.Equal((best.Position, best.Score), (small.Find(pod, out _, out _).Position, best.Score));
            Assert.InRange(small.Shapes, 1, 4);
            cluster.UpsertPod(new PodBuilder($"p{i}").Request("cpu", "1").On(snapshot.Nodes[best.Position]!.Facts.Name).Build());
        }

        Assert.Equal(21, large.Shapes);
    }

    [Fact]
    public void A_policy_that_changes_its_mind_is_asked_again()
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        cluster.UpsertNode(new NodeBuilder("a").Build());
        cluster.UpsertNode(new NodeBuilder("b").Build());
        var moody = new Moody();
        var engine = new SchedulingEngine(cluster, new EngineOptions { Profile = new Profile([], [new(moody, 1)]) });
        Assert.Equal("a", engine.Schedule(new PodBuilder("p").Build()).Node);
        moody.Favourite = "b";
        Assert.Equal("a", engine.Schedule(new PodBuilder("q").Build()).Node);
        moody.Version++;
        Assert.Equal("b", engine.Schedule(new PodBuilder("r").Build()).Node);
    }

    private sealed class Moody : IScorePlugin
    {
        public string Favourite { get; set; } = "a";

        public string Name => "Moody";

        public bool ScoresCpuOnlyPods => true;

        public long Version { get; set; }

        public double Score(CycleState state, NodeInfo node, in DevicePick pick) => node.Facts.Name == Favourite ? 1 : 0;
    }

    /// <summary>Two engines that see the same, one of which keeps scores.</summary>
    private sealed class Twins
    {
        private readonly SchedulingEngine[] _engines;
        private readonly List<NodeShape> _shapes = [];
        private readonly List<string> _pods = [];
        private int _next;

        public Twins(int seed)
        {
            var random = new Random(seed);
            var name = PlacementPolicies.Names[random.Next(PlacementPolicies.Names.Length)];
            var typical = random.Next(2) == 0 ? new OracleWorld(random).TypicalPods : null;
            _engines = [.. new[] { true, false }.Select(keep => new SchedulingEngine(
                new ClusterState(new ManualTimeProvider(), new LedgerOptions()),
                new EngineOptions { KeepScores = keep, Profile = PlacementPolicies.Create(name, new PolicyContext { TypicalPods = typical, Seed = (ulong)seed }) }))];
            for (var i = random.Next(3) == 0 ? random.Next(60, 150) : random.Next(1, 8); i > 0; i--)
            {
                _shapes.Add(new NodeShape((NodeKind)random.Next(6), $"node-{i}"));
                Upsert(_shapes[^1], random);
            }
        }

        public int Placed { get; private set; }

        public int Failed { get; private set; }

        public int NodesChanged { get; private set; }

        public void Step(int what, int with)
        {
            var random = new Random(with);
            switch (what)
            {
                case < 9:
                    Schedule(random);
                    break;
                case < 12:
                    Prioritize(random);
                    break;
                case < 15 when _pods.Count > 0:
                    var gone = _pods[random.Next(_pods.Count)];
                    _pods.Remove(gone);
                    Both(e => e.Cluster.DeletePod(gone));
                    break;
                case 15:
                    var deleted = _shapes[random.Next(_shapes.Count)];
                    Both(e => e.Cluster.DeleteNode(deleted.Name));
                    NodesChanged++;
                    break;
                case 16:
                    Upsert(_shapes[random.Next(_shapes.Count)], random);
                    break;
                case 17:
                    var held = Pod(random, $"h{_next++}");
                    var node = _shapes[random.Next(_shapes.Count)].Name;
                    Both(e => e.Cluster.Hold(held, node));
                    break;
                case 18:
                    var name = $"node-{random.Next(_shapes.Count)}";
                    var bound = Pod(random, $"b{_next++}") with { NodeName = name };
                    Both(e => e.Cluster.UpsertPod(bound));
                    _pods.Add(bound.Uid);
                    break;
                default:
                    if (_pods.Count > 0)
                    {
                        var again = Pod(random, _pods[random.Next(_pods.Count)]);
                        Assert.Equal(_engines[0].Schedule(again).Node, _engines[1].Schedule(again).Node);
                    }

                    break;
            }
        }

        private void Schedule(Random random)
        {
            var pod = Pod(random, $"p{_next++}");
            var (kept, scanned) = (_engines[0].Schedule(pod), _engines[1].Schedule(pod));
            Assert.Equal(scanned.Node, kept.Node);
            Assert.Equal(scanned.Score, kept.Score);
            Assert.Equal(scanned.Devices, kept.Devices);
            Assert.Equal(scanned.FeasibleNodes, kept.FeasibleNodes);
            Assert.Equal(scanned.Refusals.OrderBy(r => r.Key.Reason, StringComparer.Ordinal), kept.Refusals.OrderBy(r => r.Key.Reason, StringComparer.Ordinal));
            if (kept.Node is null)
            {
                Failed++;
            }
            else
            {
                Placed++;
                _pods.Add(pod.Uid);
            }
        }

        private void Prioritize(Random random)
        {
            var pod = Pod(random, $"q{_next++}");
            var some = random.Next(1, 4);
            for (var i = 0; i < 2; i++)
            {
                Assert.Equal(Prioritize(_engines[1], pod, some), Prioritize(_engines[0], pod, some));
            }

            Assert.Equal(
                _engines[1].Cluster.TryGetAllocation(pod.Uid, out var hold) ? (hold.Node, hold.Devices) : default,
                _engines[0].Cluster.TryGetAllocation(pod.Uid, out hold) ? (hold.Node, hold.Devices) : default);
            _pods.Add(pod.Uid);
        }

        private static int[] Prioritize(SchedulingEngine engine, PodInfo pod, int some)
        {
            var snapshot = engine.Cluster.Current;
            int[] candidates = [-1, .. Enumerable.Range(0, snapshot.Nodes.Length).Where(p => p % some == 0)];
            var scores = new int[candidates.Length];
            engine.Prioritize(pod, snapshot, candidates, scores);
            return scores;
        }

        private void Upsert(NodeShape shape, Random random)
        {
            var node = shape.Node();
            var allocatable = node.Allocatable.ToDictionary();
            allocatable["cpu"] = $"{random.Next(1, 9)}";
            allocatable["memory"] = $"{random.Next(1, 17)}Gi";
            allocatable["pods"] = $"{random.Next(1, 30)}";
            node = node with { Allocatable = allocatable, CachedData = Data(random), ReachableData = Data(random) };
            Both(e => e.Cluster.UpsertNode(node));
            if (random.Next(2) == 0)
            {
                var report = shape.Report() with { CachedData = Data(random) is { } data ? [data] : [] };
                Both(e => e.Cluster.UpsertReport(shape.Name, report));
            }

            NodesChanged++;
        }

        private static PodInfo Pod(Random random, string uid)
        {
            // Few kinds, so that they are asked for again.
            var kind = new Random(random.Next(12));
            var shape = kind.Next(4) == 0 ? new PodShape() : PodShape.Random(kind);
            var builder = shape.Builder(uid).Request("cpu", $"{kind.Next(1, 1500)}m").Request("memory", $"{random.Next(1, 5000)}Mi");
            return (random.Next(2) == 0 && Data(random) is { } data ? builder.Annotate(GpuAnnotations.Data, random.Next(2) == 0 ? data : $"{data}=2Gi,z=1Gi") : builder).Build();
        }

        private static string? Data(Random random) => random.Next(3) switch { 0 => "x", 1 => "y", _ => null };

        private void Both(Action<SchedulingEngine> action)
        {
            foreach (var engine in _engines)
            {
                action(engine);
            }
        }
    }
}
