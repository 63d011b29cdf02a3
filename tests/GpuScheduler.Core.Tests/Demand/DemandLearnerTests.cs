using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Demand;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Tests.Policies;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Demand;

public class DemandLearnerTests
{
    private static readonly PodInfo s_noGpu = new PodBuilder("no-gpu").Request("cpu", "1").Build();

    [Fact]
    public void Two_engines_that_see_the_same_decide_the_same()
    {
        for (var seed = 0; seed < 15; seed++)
        {
            var (one, other) = (Decisions(seed), Decisions(seed));
            Assert.Equal(one, other);
            Assert.Contains(one, d => d.Length > 0);
        }
    }

    [Fact]
    public void The_order_in_which_pods_came_makes_no_difference_once_they_are_learned()
    {
        var random = new Random(4);
        var states = Enumerable.Range(0, 200).Select(_ => (Cpu: random.Next(64_000), Cards: Enumerable.Range(0, 8).Select(_ => random.Next(1001)).ToArray())).ToList();
        var pods = Enumerable.Range(0, 120).Select(i => DemandWorld.Pod($"p{i}", random.Next(3) == 0 ? 1 + random.Next(4) : random.Next(1, 20) / 20.0, random.Next(1, 9))).ToArray();
        double[] Badness()
        {
            random.Shuffle(pods);
            var cluster = DemandWorld.ClusterOf(Enumerable.Range(0, 60).Select(i => DemandWorld.Node($"n{i}", 8, 64)));
            for (var i = 0; i < pods.Length; i++)
            {
                cluster.UpsertPod(pods[i].On($"n{i / 2}").Build());
            }

            var learner = new DemandLearner(null);
            learner.Observe(s_noGpu, isNew: true, cluster.Current);
            var facts = cluster.Current.Find("n0")!.Facts;
            return [.. states.Select(s => learner.Model!.BadnessOf(facts, s.Cpu, s.Cards, 0))];
        }

        var (one, other) = (Badness(), Badness());
        Assert.All(one.Zip(other), x => Assert.Equal(x.First, x.Second, 6));
    }

    [Fact]
    public void A_pod_that_is_tried_again_counts_once()
    {
        var world = new DemandWorld(DemandWorld.Node("a", 8, 64), DemandWorld.Node("b", 8, 64));
        var plugin = world.Profile.Scores.Single(s => s.Plugin.Name == "Stranding").Plugin;
        var statuses = new Status[2];
        var large = DemandWorld.Pod("large", 1, 65).Build();
        world.Engine.Filter(DemandWorld.Pod("p", 8, 8).Build(), world.Cluster.Current, [0, 1], statuses);
        world.Engine.Schedule(large);
        var version = plugin.Version;
        for (var i = 0; i < 1000; i++)
        {
            world.Engine.Filter(DemandWorld.Pod("p", 8, 8).Build(), world.Cluster.Current, [0, 1], statuses);
            Assert.Null(world.Engine.Schedule(large).Node);
        }

        Assert.Equal(version, plugin.Version);
        for (var i = 0; i < 200; i++)
        {
            world.Engine.Filter(DemandWorld.Pod($"p{i}", 8, 8).Build(), world.Cluster.Current, [0, 1], statuses);
        }

        Assert.NotEqual(version, plugin.Version);
    }

    [Fact]
    public void What_runs_already_is_learned_before_the_first_pod_arrives()
    {
        // Three shares of 300 for each of 700, so that 300 are worth a third of a card; before any is seen, a quarter.
        var running = Learn(cluster =>
        {
            for (var i = 0; i < 400; i++)
            {
                var (card, gpus) = (i / 2, i % 4 == 0 ? 0.7 : 0.3);
                cluster.UpsertPod(DemandWorld.Pod($"p{i}", gpus, 4).On($"n{card / 8}", new DeviceAssignment([new AssignedDevice(card % 8, Milli: (int)Math.Round(1000 * gpus))])).Build());
            }
        }).Model!;
        var none = Learn(_ => { }).Model!;
        Assert.True(Waste(none, 300) - Waste(running, 300) > 80);
    }

    [Fact]
    public void What_was_asked_for_long_ago_is_forgotten()
    {
        var cluster = DemandWorld.ClusterOf(DemandWorld.Node("n0", 8, 0));
        var (changed, always) = (new DemandLearner(null), new DemandLearner(null));
        Arrive(changed, cluster, 20_000, _ => 450, _ => 0);
        Arrive(always, cluster, 20_000, _ => 300, _ => 0);
        Assert.True(Math.Abs(Waste(changed.Model!, 300) - Waste(always.Model!, 300)) > 50);
        Arrive(changed, cluster, 100_000, _ => 300, _ => 0);
        for (var free = 0; free <= 1000; free += 10)
        {
            Assert.Equal(Waste(always.Model!, free), Waste(changed.Model!, free), 6);
        }
    }

    [Fact]
    public void Where_every_pod_is_another_the_memory_stays_bounded_and_the_newest_are_remembered()
    {
        var cluster = DemandWorld.ClusterOf(DemandWorld.Node("n0", 8, 0));
        var learner = new DemandLearner(null);
        for (var round = 0; round < 400; round++)
        {
            var from = round * 100;
            Arrive(learner, cluster, 100, _ => round < 200 ? 500 : 300, i => from + i);
            Assert.InRange(learner.Kinds, Math.Min(from, 500), 12_000);
        }

        // Only those of 300: three on a card, and a tenth of it left.
        Assert.True(Waste(learner.Model!, 299) > 400);
        Assert.True(Waste(learner.Model!, 500) - Waste(learner.Model!, 600) > 100);
    }

    [Fact]
    public void Without_nodes_or_without_GPUs_there_is_no_model_and_pods_are_decided_all_the_same()
    {
        var world = new DemandWorld();
        Assert.Null(world.NodeFor(1, 1));
        world.Cluster.UpsertNode(new NodeBuilder("cpu").Build());
        Assert.Null(world.NodeFor(1, 1));
        Assert.Equal("cpu", world.PlaceFor(s_noGpu).Node);
        var learner = new DemandLearner(null);
        learner.Observe(DemandWorld.Pod("p", 1, 1).Build(), isNew: true, world.Cluster.Current);
        Assert.Null(learner.Model);
    }

    [Fact]
    public void GPUs_that_a_known_node_announces_late_are_learned_at_once()
    {
        var cluster = DemandWorld.ClusterOf(new NodeBuilder("n0"));
        var learner = new DemandLearner(null);
        learner.Observe(s_noGpu, isNew: true, cluster.Current);
        Assert.Null(learner.Model);

        cluster.UpsertNode(DemandWorld.Node("n0", 8, 64).Build());
        learner.Observe(s_noGpu, isNew: false, cluster.Current);
        var version = learner.Model!.Version;

        // The same again, and pods that come and go, are nothing new.
        cluster.UpsertNode(DemandWorld.Node("n0", 8, 64).Label("seen", "again").Build());
        learner.Observe(s_noGpu, isNew: false, cluster.Current);
        Assert.Equal(version, learner.Model!.Version);

        cluster.UpsertReport("n0", new NodeReport([.. Enumerable.Range(0, 8).Select(i => new GpuInfo { Index = i, MemoryMiB = 46_068, Healthy = i != 3 })], null, null));
        learner.Observe(s_noGpu, isNew: false, cluster.Current);
        Assert.True(learner.Model!.Version > version);
    }

    [Fact]
    public void A_class_of_nodes_that_is_added_later_is_learned_with_the_pods_that_wait_for_it()
    {
        var world = new DemandWorld(Enumerable.Range(0, 10).Select(i => DemandWorld.Node($"t4-{i}", 4, 32, "Tesla-T4")).ToArray());
        world.Expect(100, (1, 4, null), (1, 4, "H100"));
        world.Cluster.UpsertNode(DemandWorld.Node("a", 4, 32, "NVIDIA-H100-80GB-HBM3").Build());
        for (var i = 0; i < 10; i++)
        {
            world.Cluster.DeleteNode($"t4-{i}");
            world.Cluster.UpsertNode(DemandWorld.Node($"t4-{i}", 4, 32, "Tesla-T4").Build());
        }

        Assert.StartsWith("t4", world.NodeFor(1, 4), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cluster_that_does_not_tell_its_CPU_is_judged_by_its_cards()
    {
        var world = new DemandWorld(DemandWorld.Node("a", 8, 0), DemandWorld.Node("b", 8, 0));
        world.Expect(50, (0.5, 0, null), (8, 0, null)).Run("b", 1, 0);
        Assert.Equal("b", world.NodeFor(1, 0));
        Assert.Equal("b", world.NodeFor(0.5, 0));
        Assert.Equal("a", world.NodeFor(8, 0));
    }

    [Fact]
    public void MIG_devices_teach_nothing_and_a_cluster_of_nothing_else_is_served()
    {
        var shape = new NodeShape(NodeKind.A100MigBalanced, "mig");
        var mig = new DemandWorld(new NodeBuilder("cpu"));
        mig.Cluster.UpsertNode(shape.Node());
        mig.Cluster.UpsertReport("mig", shape.Report());
        Assert.Equal("mig", mig.PlaceFor(new PodBuilder("p").Mig("1g.5gb").Build()).Node);

        var learner = new DemandLearner(null);
        var cluster = DemandWorld.ClusterOf(DemandWorld.Node("n0", 8, 64));
        learner.Observe(s_noGpu, isNew: true, cluster.Current);
        var version = learner.Model!.Version;
        for (var i = 0; i < 500; i++)
        {
            learner.Observe(new PodBuilder($"p{i}").Mig("1g.5gb").Build(), isNew: true, cluster.Current);
        }

        Assert.Equal(version, learner.Model!.Version);
    }

    [Fact]
    public void A_share_of_memory_is_learned_as_that_part_of_the_largest_card()
    {
        var cluster = DemandWorld.ClusterOf(DemandWorld.Node("n0", 8, 64, "Tesla-T4"), DemandWorld.Node("n1", 8, 64, "NVIDIA-L40S"));
        var largest = cluster.Current.Find("n1")!.Facts.Gpus[0].MemoryMiB;
        var (memory, milli) = (new DemandLearner(null), new DemandLearner(null));
        for (var i = 0; i < 300; i++)
        {
            memory.Observe(new PodBuilder($"p{i}").Request("cpu", "2").Share(memoryMiB: (largest * 3 / 10) + 1).Build(), isNew: true, cluster.Current);
            milli.Observe(new PodBuilder($"p{i}").Request("cpu", "2").Share(milli: 300).Build(), isNew: true, cluster.Current);
        }

        for (var free = 0; free <= 1000; free += 50)
        {
            Assert.Equal(Waste(milli.Model!, free, "n1", cluster), Waste(memory.Model!, free, "n1", cluster), 6);
        }

        Assert.True(Waste(memory.Model!, 299, "n1", cluster) > Waste(memory.Model!, 300, "n1", cluster));
    }

    [Fact]
    public void Pods_that_no_node_could_take_teach_nothing()
    {
        var cluster = DemandWorld.ClusterOf(Enumerable.Range(0, 20).Select(i => DemandWorld.Node($"n{i}", 8, 64)));
        var (plain, flooded) = (new DemandLearner(null), new DemandLearner(null));
        for (var i = 0; i < 200; i++)
        {
            var pod = DemandWorld.Pod($"p{i}", i % 2 == 0 ? 0.3 : 1, 4).Build();
            plain.Observe(pod, isNew: true, cluster.Current);
            flooded.Observe(pod, isNew: true, cluster.Current);
            flooded.Observe(DemandWorld.Pod($"x{i}", 1_000_000, 1).Build(), isNew: true, cluster.Current);
            flooded.Observe(DemandWorld.Pod($"y{i}", 0.9, 1).Model("H100").Build(), isNew: true, cluster.Current);
        }

        // As many of each were learned by both when all of them are learned anew.
        cluster.UpsertNode(DemandWorld.Node("new", 1, 7).Build());
        plain.Observe(s_noGpu, isNew: false, cluster.Current);
        flooded.Observe(s_noGpu, isNew: false, cluster.Current);
        for (var free = 0; free <= 1000; free += 10)
        {
            Assert.Equal(Waste(plain.Model!, free, "n0", cluster), Waste(flooded.Model!, free, "n0", cluster), 6);
        }
    }

    [Fact]
    public void Pods_of_several_shares_take_no_slots()
    {
        var cluster = DemandWorld.ClusterOf(Enumerable.Range(0, 20).Select(i => DemandWorld.Node($"n{i}", 8, 64)));
        double Price(int shares)
        {
            var learner = new DemandLearner(null);
            for (var i = 0; i < 300; i++)
            {
                learner.Observe(new PodBuilder($"p{i}").Request("cpu", "1").Share(milli: 300, count: shares).Build(), isNew: true, cluster.Current);
            }

            return learner.Model!.Slots.Single(s => s.Cards == 2).Price;
        }

        Assert.Equal(1000 * 2 * 0.15 * 0.01, Price(1), 6);
        Assert.Equal(Price(1), Price(2), 6);
    }

    [Theory]
    [InlineData(0, 0, 0, 20)]
    [InlineData(300, 0, 0, 20)]
    [InlineData(300, 20, 0, 20)]
    [InlineData(50, 20, 5, 3)]
    [InlineData(400, 20, 10, 20)]
    [InlineData(200, 60, 60, 10)]
    [InlineData(0, 0, 200, 4)]
    [InlineData(5000, 100, 1, 20)]
    public void A_slot_is_worth_what_always_stands_and_the_chance_that_slots_run_short(int ones, int twos, int eights, int nodes)
    {
        var cluster = DemandWorld.ClusterOf(Enumerable.Range(0, nodes).Select(i => DemandWorld.Node($"n{i}", 8, 64)));
        var learner = new DemandLearner(null);
        var next = 0;
        foreach (var (gpus, count) in new[] { (1, ones), (2, twos), (8, eights) })
        {
            for (var i = 0; i < count; i++)
            {
                learner.Observe(DemandWorld.Pod($"p{next++}", gpus, gpus * 7).Build(), isNew: true, cluster.Current);
            }
        }

        // A class that was not there makes it learn all that it has counted.
        cluster.UpsertNode(DemandWorld.Node("new", 1, 7).Build());
        learner.Observe(s_noGpu, isNew: false, cluster.Current);

        (int Cards, int Milli, double Pods)[] first = [(1, 1000, 50), (1, 500, 20), (1, 250, 10), (2, 1000, 8), (4, 1000, 6), (8, 1000, 6)];
        var seen = ones + twos + eights;
        var mean = (first.Sum(p => p.Pods * p.Cards * p.Milli) + (1000 * (ones + (2 * twos) + (8 * eights)))) / (100 + seen);
        foreach (var slot in learner.Model!.Slots)
        {
            var own = slot.Cards switch { 2 => twos, 8 => eights, _ => 0 };
            var there = nodes * Math.Min(8 / slot.Cards, 64_000 / slot.CpuMilli);
            var expected = ((nodes * 8) + 1) * 1000 / mean * (own + 1) / (seen + 100);
            var eighths = 8 * AtLeast(there * 0.5, expected);
            if (Math.Abs(eighths - Math.Floor(eighths) - 0.5) > 0.01)
            {
                var price = 1000 * slot.Cards * ((0.15 * ((own / Math.Max(1.0, seen)) + 0.01)) + (Math.Round(eighths) / 8));
                Assert.True(Math.Abs(price - slot.Price) < 1e-6, $"{slot}: {price} expected, by {expected} pods for {there} slots");
            }
        }

        Assert.Equal([2, 4, 8], learner.Model.Slots.Select(s => s.Cards));
    }

    [Fact]
    public void Slots_are_priced_anew_when_they_become_few_though_nothing_new_is_learned()
    {
        var world = new DemandWorld(Enumerable.Range(0, 12).Select(i => DemandWorld.Node($"n{i}", 8, 64)).ToArray());
        var learner = new DemandLearner(null);
        for (var i = 0; i < 200; i++)
        {
            learner.Observe(DemandWorld.Pod($"p{i}", i % 20 == 0 ? 8 : 1, 4).Build(), isNew: true, world.Cluster.Current);
        }

        var prices = new List<double>();
        for (var i = 0; i < 12; i++)
        {
            prices.Add(learner.Model!.Slots.Single(s => s.Cards == 8).Price);
            world.Run($"n{i}", 0.1, 1);
            learner.Observe(s_noGpu, isNew: false, world.Cluster.Current);
        }

        Assert.Equal(prices.Order(), prices);
        Assert.True(prices[^1] > prices[0] + 4000);
    }

    private static List<string> Decisions(int seed)
    {
        var random = new Random(seed);
        var world = new OracleWorld(random);
        var engine = new SchedulingEngine(world.Cluster(), new EngineOptions { Profile = PlacementPolicies.Create("default", new PolicyContext()) });
        var decisions = new List<string>();
        for (var i = 0; i < 150; i++)
        {
            var decision = engine.Schedule(OracleWorld.Pod($"p{i}", world.Draw(random)));
            decisions.Add($"{decision.Node} {string.Join(' ', decision.Devices.Devices.Select(d => d.Gpu))} {decision.Score:R}");
            if (random.Next(3) == 0)
            {
                engine.Cluster.DeletePod($"p{random.Next(i + 1)}");
            }
        }

        return decisions;
    }

    private static DemandLearner Learn(Action<ClusterState> fill)
    {
        var cluster = DemandWorld.ClusterOf(Enumerable.Range(0, 40).Select(i => DemandWorld.Node($"n{i}", 8, 64)));
        fill(cluster);
        var learner = new DemandLearner(null);
        learner.Observe(s_noGpu, isNew: true, cluster.Current);
        return learner;
    }

    private static void Arrive(DemandLearner learner, ClusterState cluster, int pods, Func<int, int> milli, Func<int, int> cpuMilli)
    {
        for (var i = 0; i < pods; i++)
        {
            var pod = s_noGpu with { Request = new GpuRequest { ShareCount = 1, ShareMilli = milli(i) }, CpuMilli = cpuMilli(i) };
            learner.Observe(pod, isNew: true, cluster.Current);
        }
    }

    /// <summary>How bad so much is on one card of a node with plenty of CPU and nothing else free.</summary>
    private static double Waste(DemandModel model, int free, string node = "n0", ClusterState? cluster = null)
    {
        cluster ??= DemandWorld.ClusterOf(DemandWorld.Node(node, 8, 64));
        return model.BadnessOf(cluster.Current.Find(node)!.Facts, 64_000, [free], 0);
    }

    /// <summary>The chance that a Poisson number of this mean is at least so much, term by term.</summary>
    private static double AtLeast(double least, double mean)
    {
        var below = 0.0;
        for (var k = 0; k < least; k++)
        {
            below += Math.Exp((k * Math.Log(mean)) - mean - Enumerable.Range(1, k).Sum(i => Math.Log(i)));
        }

        return 1 - below;
    }
}
