using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Generation;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Workloads;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Simulator.Tests;

public sealed class ClusterTests
{
    [Fact]
    public void Changes_remove_cut_add_and_close_nodes()
    {
        var cluster = ClusterGenerator.Generate(new Scenario { Name = "c", Nodes = ["2xA100:8", "2xT4:4"], Pods = [] }, 1);
        var changed = new ClusterChanges
        {
            Remove = ["node-0003"],
            Repartition = ["node-0001=1g.5gb:7,3g.20gb:2"],
            Add = ["2xT4:4"],
            Cordon = ["nvidia.com/gpu.product=NVIDIA-A100-SXM4-40GB"],
        }.ApplyTo(cluster);
        Assert.Equal(["node-0000", "node-0001", "node-0002", "new-0000", "new-0001"], changed.Nodes.Select(n => n.Name));
        Assert.Equal(["node-0000", "node-0001"], changed.Cordoned.Order());
        var facts = new ClusterFacts(changed);
        Assert.Equal(28, facts.Gpus);

        // Seven 1g fill a GPU, two 3g another; six stay whole.
        Assert.Equal(6, facts.Nodes[1].AllocatableGpus);
        Assert.Equal(2, System.Numerics.BitOperations.PopCount(facts.Nodes[1].MigMask));
        Assert.Equal(facts.Nodes[2].CpuMilli, facts.Nodes[3].CpuMilli);
    }

    [Fact]
    public void A_closed_node_counts_but_takes_no_pod()
    {
        var cluster = ClusterGenerator.Generate(new Scenario { Name = "c", Nodes = ["2xT4:1"], Pods = [] }, 1);
        var facts = new ClusterFacts(new ClusterChanges { Cordon = ["node-0000"] }.ApplyTo(cluster));
        var simulated = Simulated(facts);
        Assert.True(simulated.Place(new Arrival(0, new TracePod("", TimedRunTests.Gpus(1), 0, 0))));
        Assert.False(simulated.Place(new Arrival(1, new TracePod("", TimedRunTests.Gpus(1), 0, 0))));
        Assert.Equal((1000, 2000), (simulated.UsedMilli, facts.CapacityMilli));
        Assert.Equal([1000], simulated.FreeCards());
    }

    [Fact]
    public void Pods_that_run_stay_and_those_of_a_removed_node_are_placed_anew()
    {
        var bound = Enumerable.Range(0, 3).Select(i => new PodBuilder($"b{i}").Gpus(1).On($"n{i % 2}").Build()).ToList();
        var cluster = new ClusterModel
        {
            Name = "c",
            Source = "test",
            Nodes = [new NodeBuilder("n0").Gpus("Tesla-T4", 2).Build(), new NodeBuilder("n1").Gpus("Tesla-T4", 2).Build()],
            BoundPods = bound,
        };
        var before = new ClusterFacts(cluster);
        Assert.Equal(3000, before.BoundMilli);
        Assert.Equal(3000, Simulated(before).UsedMilli);

        var after = new ClusterFacts(new ClusterChanges { Remove = ["n0"] }.ApplyTo(cluster));
        var simulated = Simulated(after);
        Assert.Equal(1000, after.BoundMilli);
        Assert.Equal((2000, 1), (simulated.UsedMilli, simulated.Unplaced));
        Assert.Contains(after.Cluster.Notes, n => n.StartsWith("2 pods ran on nodes that were removed", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_counted_on_the_way_is_what_the_nodes_say_in_the_end()
    {
        var scenario = Scenario.Example with { MigShare = 0.5, Nodes = ["4xA100:8", "3xT4:4", "2xL40S:4"] };
        var facts = new ClusterFacts(ClusterGenerator.Generate(scenario, 3));
        var trace = WorkloadGenerator.Generate(scenario, facts, 400, 3);
        Assert.Contains(trace.Pods, p => !p.Template.Request.Mig.IsEmpty);
        var typical = TypicalPods.Learn(trace.Pods.Select(p => p.Template));
        var simulated = new SimulatedCluster(facts, [.. Enumerable.Range(0, facts.Nodes.Length)], "default", typical, typical, 1);
        var placed = new Queue<Arrival>();
        var random = new Random(1);
        for (var i = 0; i < trace.Pods.Count; i++)
        {
            var arrival = new Arrival(i, trace.Pods[i]);
            if (simulated.Place(arrival))
            {
                placed.Enqueue(arrival);
            }

            if (placed.Count > 0 && random.Next(4) == 0)
            {
                simulated.Leave(placed.Dequeue());
            }

            Assert.Equal(facts.CapacityMilli - simulated.UsedMilli, simulated.FreeCards().Sum(c => (long)c));
        }

        var map = simulated.ToMap(1);
        Assert.Equal(simulated.UsedMilli, map.Nodes.Sum(n => n.Cards.Sum(c => (long)c.UsedMilli)));
        Assert.Contains(map.Nodes.SelectMany(n => n.Cards).SelectMany(c => c.Slices), s => s.Used);
        while (placed.TryDequeue(out var arrival))
        {
            simulated.Leave(arrival);
        }

        Assert.Equal((0, 0), (simulated.UsedMilli, simulated.CardsInUse()));
    }

    [Fact]
    public void Generated_clusters_have_the_levels_and_the_cut_nodes_asked_for()
    {
        var scenario = new Scenario { Name = "c", Nodes = ["100xA100:8", "50xT4:4"], Levels = new Dictionary<string, int> { ["rack"] = 8 }, MigShare = 0.3, Pods = [] };
        var cluster = ClusterGenerator.Generate(scenario, 7);
        Assert.Equal(150, cluster.Nodes.Count);
        Assert.Equal(8, cluster.Nodes.Count(n => n.Labels["rack"] == "3"));
        var facts = new ClusterFacts(cluster);
        Assert.Equal(1000, facts.Gpus);
        Assert.InRange(facts.Nodes.Count(n => n.MigMask != 0), 20, 40);
        Assert.All(facts.Nodes, n => Assert.Empty(n.Warnings));

        // Every way to cut fills the GPU: no device is made on demand.
        Assert.All(facts.Nodes.SelectMany(n => n.Gpus), g => Assert.NotEqual(Core.Cluster.MigMode.OnDemand, g.Mig));
        Assert.Equal(cluster.Nodes.Select(n => string.Join(',', n.Allocatable)), ClusterGenerator.Generate(scenario, 7).Nodes.Select(n => string.Join(',', n.Allocatable)));
    }

    [Fact]
    public void A_size_search_finds_the_number_at_which_waiting_ends()
    {
        // Ten pods of two GPUs at once, for an hour each: nobody waits on ten nodes of two GPUs, somebody waits an hour on nine.
        var template = TimedRunTests.Gpus(2);
        var trace = new Trace("t", [.. Enumerable.Range(0, 10).Select(i => new TracePod($"p{i}", template, i, 3_600_000))]) { Source = "test" };
        var experiment = new Experiment { Cluster = TimedRunTests.Cluster("3xT4:2"), Traces = [trace], Policies = ["firstfit"], Seeds = [1, 2], Mode = RunMode.Timed };
        SizeAnswer Find(bool alone, double quantile) => new SizeSearch(experiment, "firstfit", new NodeSpec("Tesla-T4", 2, "24", "64Gi"), alone, quantile, 60_000, 2, CancellationToken.None).Find();

        Assert.Equal(10, Find(alone: true, 1).Nodes);
        Assert.Equal(7, Find(alone: false, 1).Nodes);
        Assert.Equal(5, Find(alone: true, 0.5).Nodes);
        var answer = Find(alone: true, 1);
        Assert.Contains(answer.Steps, s => s is { Nodes: 9, Enough: false });
        Assert.True(answer.Final.Enough);
    }

    [Fact]
    public void What_other_stacks_say_of_the_nodes_of_a_snapshot_counts_until_a_node_is_cut_anew()
    {
        using var folder = new TemporaryFolder();
        var node = "apiVersion: v1\nkind: Node\nmetadata:\n  name: koord\n  labels:\n    nvidia.com/gpu.product: NVIDIA-A100-80GB-PCIe\n    nvidia.com/gpu.count: '4'\n";
        var path = folder.File("snapshot.yaml", $"{node}---\n{Fixtures.Sources("koordinator-device.yaml")}---\n{Fixtures.Sources("hami-json.yaml")}");
        var cluster = SnapshotCluster.Read(path);
        var nodes = new ClusterFacts(cluster).Nodes.ToDictionary(n => n.Name);
        Assert.Equal((0b1011ul, 0b1011ul), (nodes["koord"].WholeMask, nodes["a100"].WholeMask));

        var cut = new ClusterFacts(new ClusterChanges { Repartition = ["koord=none", "a100=none"] }.ApplyTo(cluster)).Nodes;
        Assert.All(cut, n => Assert.Null(n.Gpus[0].Uuid));
    }

    [Fact]
    public void A_snapshot_gives_the_pods_that_wait_and_copies_of_all()
    {
        var bound = new PodBuilder("b").Gpus(2).On("n0").Build();
        var pending = new PodBuilder("p").Gpus(1).Build();
        var cluster = new ClusterModel { Name = "c", Source = "test", Nodes = [new NodeBuilder("n0").Gpus("Tesla-T4", 8).Build()], BoundPods = [bound], PendingPods = [pending] };
        var trace = SnapshotPods.Of(cluster)!;
        Assert.All(trace.Pods, p => Assert.Null(p.Template.NodeName));
        var arrivals = FillDraw.Draw(trace, new ClusterFacts(cluster), 1, 1.3, 1).Pods;

        // 10.4 GPUs, two of which are in use: the pod that waits, then copies of both.
        Assert.Equal(0, arrivals[0]);
        Assert.Contains(1, arrivals);
        Assert.InRange(arrivals.Sum(a => trace.Pods[a].Template.Request.WholeGpus), 7, 9);
        Assert.Null(SnapshotPods.Of(cluster with { BoundPods = [], PendingPods = [] }));
    }

    private static SimulatedCluster Simulated(ClusterFacts facts) => new(facts, [.. Enumerable.Range(0, facts.Nodes.Length)], "firstfit", TypicalPods.None, TypicalPods.None, 1);

    [Fact]
    public void A_generated_cluster_in_one_word_has_racks_and_spines()
    {
        var cluster = ClusterGenerator.Generate(GeneratedCluster.Apply("generated:nodes=10,gpus=4,product=T4,cpu=48,memory=256Gi,rack=2,spine=3", Scenario.Example), 1);
        Assert.Equal(10, cluster.Nodes.Count);
        var facts = new ClusterFacts(cluster);
        Assert.Equal((40, 48_000L, 256L << 30), (facts.Gpus, facts.Nodes[0].CpuMilli, facts.Nodes[0].MemoryBytes));
        var topology = cluster.ToState(cluster.Nodes).Current.Topology;
        Assert.Equal(["rack", "spine"], topology.Levels.Select(l => l.Name));
        Assert.Equal((5, 2), (topology.Domains(1).Length, topology.Domains(2).Length));
    }

    [Theory]
    [InlineData("generated:gpus=8", "nodes= is needed")]
    [InlineData("generated:nodes=0", "a whole number from 1")]
    [InlineData("generated:nodes=4,colour=red", "\"colour=red\" is not a setting; there are nodes")]
    [InlineData("generated:nodes=4,nodes=5", "given twice")]
    [InlineData("generated:nodes=4,memory=1Ti", "memory needs cpu")]
    [InlineData("generated:nodes=4,mig-share=2", "from 0 to 1")]
    public void A_generated_cluster_that_cannot_be_is_refused(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<InputException>(() => GeneratedCluster.Apply(text, Scenario.Example)).Message, StringComparison.Ordinal);
}
