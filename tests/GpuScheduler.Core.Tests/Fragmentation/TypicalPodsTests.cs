using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Tests.Policies;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Fragmentation;

public class TypicalPodsTests
{
    [Fact]
    public void What_is_learned_is_the_shortest_list_of_kinds_that_covers_95_percent()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var world = new OracleWorld(random);
            var pods = Enumerable.Range(0, random.Next(1, 400)).Select(_ => world.Draw(random)).ToList();
            var expected = PlacementOracle.Learn(pods);
            var learned = TypicalPods.Learn(pods.Select((p, i) => OracleWorld.Pod($"p{i}", p))).Pods;
            Assert.Equal(expected.Select(e => (new TypicalPod(e.Pod.Cpu, e.Pod.Cards, e.Pod.Milli, e.Pod.Models), e.Share)), learned);
        }
    }

    [Fact]
    public void Kinds_are_told_apart_by_CPU_cards_share_and_models_as_written_and_not_by_memory()
    {
        PodInfo[] pods =
        [
            new PodBuilder("a").Request("cpu", "2").Request("memory", "1Gi").Share(milli: 300).Model("T4|P100").Build(),
            new PodBuilder("b").Request("cpu", "2").Request("memory", "9Gi").Share(milli: 300).Model("T4|P100").Build(),
            new PodBuilder("c").Request("cpu", "2").Share(milli: 300).Model("P100|T4").Build(),
            new PodBuilder("d").Request("cpu", "2").Gpus(4).Build(),
            new PodBuilder("e").Request("cpu", "2").Build(),
            new PodBuilder("f").Request("cpu", "2").Mig("1g.5gb").Build(),
        ];
        Assert.Equal(
            [(new TypicalPod(2000, 1, 300, "T4|P100"), 0.4), (new TypicalPod(2000, 4, 1000, ""), 0.2), (new TypicalPod(2000, 1, 300, "P100|T4"), 0.2), (new TypicalPod(2000, 0, 0, ""), 0.2)],
            TypicalPods.Learn(pods).Pods);
        Assert.Empty(TypicalPods.Learn([]).Pods);
    }

    [Fact]
    public void The_measure_is_to_the_last_bit_what_the_description_says()
    {
        var compared = 0;
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var world = new OracleWorld(random, 300);
            var oracle = new PlacementOracle("fgd", world.Nodes, world.Typical);
            var typical = world.TypicalPods;
            var engine = new SchedulingEngine(world.Cluster(), new EngineOptions { Profile = PlacementPolicies.Create("fgd", new PolicyContext { TypicalPods = typical }) });
            var measure = new ClusterFragmentation(typical);
            for (var i = 0; i < 60; i++)
            {
                var pod = world.Draw(random);
                oracle.Place(pod);
                engine.Schedule(OracleWorld.Pod($"p{i}", pod));
                var snapshot = engine.Cluster.Current;
                for (var n = 0; n < world.Nodes.Count; n++)
                {
                    Assert.Equal(oracle.Fragmentation(world.Nodes[n]), typical.FragmentedMilli(snapshot.Nodes[n]!));
                    compared++;
                }

                var sum = measure.FragmentedMilli(snapshot);
                Assert.Equal(world.Nodes.Sum(oracle.Fragmentation), sum, 1e-6);
                Assert.Equal(new ClusterFragmentation(typical).FragmentedMilli(snapshot), sum);
            }
        }

        Assert.True(compared > 40_000, $"{compared} compared");
    }

    [Fact]
    public void Nothing_is_a_fragment_where_nothing_is_free_or_no_pod_is_expected()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("T4", 2).Build(), null);
        Assert.Equal(0, TypicalPods.None.FragmentedMilli(facts.Empty));
        var half = new TypicalPods([(new TypicalPod(0, 1, 1000, ""), 1.0)]);
        Assert.Equal(0, half.FragmentedMilli(facts, 0, []));
        Assert.Equal(0, half.FragmentedMilli(facts, 0, [0, 0]));
        Assert.Equal(0, half.FragmentedMilli(facts, 0, [1000, 0]));
        Assert.Equal(999, half.FragmentedMilli(facts, 0, [999, 0]));
        Assert.Equal(999, half.FragmentedMilli(facts, 0, [999, 1000]));
    }

    [Fact]
    public void Cards_that_cannot_be_had_are_no_part_of_what_is_free()
    {
        var node = new NodeBuilder("n").Gpus("NVIDIA-A100-SXM4-40GB", 3).Build();
        var report = new NodeReport([new GpuInfo { Index = 0 }, new GpuInfo { Index = 1, Healthy = false }, new GpuInfo { Index = 2, Mig = MigMode.OnDemand }], null, null);
        var empty = NodeFactsBuilder.Build(node, report).Empty;
        Assert.Equal([1000, 0, 0], empty.FreeCards.ToArray());
        Assert.Equal(1000, new TypicalPods([(new TypicalPod(0, 2, 1000, ""), 1.0)]).FragmentedMilli(empty));
    }

    [Fact]
    public void Pods_tried_again_are_learned_once()
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new Core.Reservations.LedgerOptions());
        var learner = new TypicalPodsLearner();
        var engine = new SchedulingEngine(cluster, new EngineOptions { Profile = Profile.Create(new ScoreWeights()) with { Observer = learner } });
        for (var i = 0; i < 10; i++)
        {
            Assert.Null(engine.Schedule(new PodBuilder("p").Gpus(1).Build()).Node);
        }

        Assert.Equal(1, learner.Version);
        Assert.Equal((new TypicalPod(0, 1, 1000, ""), 1.0), Assert.Single(learner.Current.Pods));
    }
}
