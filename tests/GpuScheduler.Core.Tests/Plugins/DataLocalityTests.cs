using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Plugins;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Tests.Devices;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Plugins;

public class DataLocalityTests
{
    [Theory]
    [InlineData("imagenet", "imagenet=1")]
    [InlineData(" b , a ", "a=0.5 b=0.5")]
    [InlineData("a=1Gi,b=3Gi", "a=0.25 b=0.75")]
    [InlineData("a=1Gi,b=3Gi,c", "a=0.16666666666666666 b=0.5 c=0.3333333333333333")]
    [InlineData("meta-llama/Llama-3-70b=140Gi", "meta-llama/Llama-3-70b=1")]
    public void A_pod_names_its_data_and_their_sizes(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', Pod(text).Data!.Items.Select(d => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{d.Name}={d.Part}"))));

    [Theory]
    [InlineData("", "names separated by ','")]
    [InlineData("a,,b", "names separated by ','")]
    [InlineData("a b", "names separated by ','")]
    [InlineData("-a", "names separated by ','")]
    [InlineData("a=", "the size of a is not a Kubernetes quantity")]
    [InlineData("a=0", "the size of a is not a Kubernetes quantity")]
    [InlineData("a=-1Gi", "the size of a is not a Kubernetes quantity")]
    [InlineData("a=lots", "the size of a is not a Kubernetes quantity")]
    [InlineData("a=1Gi,a", "a is named twice")]
    [InlineData("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "at most 16 names")]
    public void A_list_that_cannot_be_understood_fails_the_pod_with_what_is_allowed(string text, string expected)
    {
        var pod = Pod(text);

        Assert.StartsWith($"annotation gpuscheduler.io/data: \"{text}\" cannot be used: ", pod.Invalid, StringComparison.Ordinal);
        Assert.Contains(expected, pod.Invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_list_is_read_or_refused_and_its_parts_add_up_to_one()
    {
        Gen.OneOf(Gen.String, Gen.String[Gen.Char["ab,=@/ 1G9i-"], 0, 40]).Sample(text =>
        {
            var read = DataNeeds.TryParse(text, out var needs, out var why);
            Assert.NotEqual(read, why is not null);
            if (read)
            {
                Assert.Equal(1, needs!.Items.Sum(d => d.Part), 9);
                Assert.Equal(needs, DataNeeds.TryParse(text, out var again, out _) ? again : null);
                Assert.All(needs.Items, d => Assert.True(d.Part > 0));
            }
        });
    }

    [Fact]
    public void The_bytes_to_move_decide()
    {
        Assert.Equal(1, Score("big=90Gi,small=10Gi", new NodeBuilder("n").Caches("small,big,other")));
        Assert.Equal(0.9, Score("big=90Gi,small=10Gi", new NodeBuilder("n").Caches("big")), 9);
        Assert.Equal(0.1, Score("big=90Gi,small=10Gi", new NodeBuilder("n").Caches("small")), 9);
        Assert.Equal(0.5, Score("big,small", new NodeBuilder("n").Caches("small")), 9);
        Assert.Equal(0, Score("big,small", new NodeBuilder("n").Caches("another")));
    }

    [Fact]
    public void What_lies_near_by_counts_the_less_the_farther_off_it_is()
    {
        string[] nearestFirst = ["a@nvlink", "a@rack", "a@block", "a@spine", "a@core", "a@zone", "a", "b@rack"];
        var scores = nearestFirst.Select(words => Score("a", new NodeBuilder("n").Reaches(words))).ToArray();

        Assert.Equal(scores.OrderDescending(), scores);
        Assert.Equal(scores.Length, scores.Distinct().Count());
        Assert.True(scores[0] < 1 && scores[^2] > 0 && scores[^1] == 0);
        Assert.Equal(scores[5], Score("a", new NodeBuilder("n").Reaches("a@topology.kubernetes.io/zone")));
        Assert.Equal(1, Score("a", new NodeBuilder("n").Caches("a").Reaches("a@zone")));
        Assert.Equal(scores[1], Score("a", new NodeBuilder("n").Reaches("a@zone,a@rack,a")));
    }

    [Fact]
    public void Labels_of_Fluid_and_the_report_say_it_too()
    {
        var fluid = new NodeBuilder("n").Label("fluid.io/s-default-hbase", "true").Label("fluid.io/s-h-alluxio-t-default-hbase", "6GiB").Label("fluid.io/dataset-num", "1");
        var facts = NodeFactsBuilder.Build(fluid.Build(), null);
        Assert.Equal(["fluid/default-hbase"], facts.Data.Keys);
        Assert.Equal(1, Score("fluid/default-hbase", fluid));

        var report = new NodeReport([], null, null) { CachedData = ["a"], ReachableData = ["b@rack"] };
        Assert.Equal((1, 0.7), (NodeFactsBuilder.Build(new NodeBuilder("n").Build(), report).Data["a"], Math.Round(NodeFactsBuilder.Build(new NodeBuilder("n").Build(), report).Data["b"], 9)));
    }

    [Fact]
    public void What_a_node_says_and_cannot_be_used_is_a_warning_and_the_rest_counts()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Caches("a,two words,b").Reaches("c@moon").Build(), null);

        Assert.Equal(["a", "b", "c"], facts.Data.Keys.Order(StringComparer.Ordinal));
        Assert.Contains(facts.Warnings, w => w.Contains("\"two words\" cannot be used", StringComparison.Ordinal));
        Assert.Contains(facts.Warnings, w => w.Contains("\"c@moon\" cannot be used: after '@' one of nvlink, rack", StringComparison.Ordinal));
        var many = NodeFactsBuilder.Build(new NodeBuilder("n").Caches(string.Join(',', Enumerable.Range(0, 5000).Select(i => $"d{i}"))).Build(), null);
        Assert.Equal(DataReach.Most, many.Data.Count);
        Assert.Single(many.Warnings);
    }

    [Fact]
    public void Among_equal_nodes_the_one_with_the_data_is_best()
    {
        var engine = Engine(new ScoreWeights());
        foreach (var name in new[] { "a", "b", "c" })
        {
            var node = new NodeBuilder(name).Gpus("NVIDIA-H100-80GB-HBM3", 8);
            engine.Cluster.UpsertNode((name == "b" ? node.Reaches("llama@rack") : name == "c" ? node.Caches("llama") : node).Build());
        }

        Assert.Equal("c", engine.Schedule(new PodBuilder("p").Gpus(8).Annotate(GpuAnnotations.Data, "llama").Build()).Node);
        Assert.Equal("b", engine.Schedule(new PodBuilder("q").Gpus(8).Annotate(GpuAnnotations.Data, "llama").Build()).Node);
        Assert.Equal("a", engine.Schedule(new PodBuilder("r").Gpus(8).Annotate(GpuAnnotations.Data, "llama").Build()).Node);
    }

    [Fact]
    public void A_change_of_what_a_node_caches_is_seen_at_once()
    {
        var engine = Engine(new ScoreWeights());
        NodeBuilder Node(string name) => new NodeBuilder(name).Gpus("NVIDIA-H100-80GB-HBM3", 8);
        foreach (var name in new[] { "a", "b", "c", "d", "e" })
        {
            engine.Cluster.UpsertNode(Node(name).Build());
        }

        var next = 0;
        string? Best()
        {
            var pod = new PodBuilder($"p{next++}").Gpus(8).Annotate(GpuAnnotations.Data, "fluid/ns-llama").Build();
            var node = engine.Schedule(pod).Node;
            engine.Cluster.DeletePod(pod.Uid);
            return node;
        }

        Assert.Equal("a", Best());
        engine.Cluster.UpsertNode(Node("b").Caches("fluid/ns-llama").Build());
        Assert.Equal("b", Best());
        engine.Cluster.UpsertNode(Node("b").Build());
        engine.Cluster.UpsertNode(Node("c").Reaches("fluid/ns-llama").Build());
        Assert.Equal("c", Best());
        engine.Cluster.UpsertNode(Node("d").Label("fluid.io/s-ns-llama", "true").Build());
        Assert.Equal("d", Best());
        engine.Cluster.UpsertNode(Node("d").Build());
        engine.Cluster.UpsertReport("e", new NodeShape(NodeKind.H100Switched, "e").Report() with { CachedData = ["fluid/ns-llama"] });
        Assert.Equal("e", Best());
        engine.Cluster.UpsertReport("e", new NodeShape(NodeKind.H100Switched, "e").Report());
        Assert.Equal("c", Best());
    }

    [Fact]
    public void Pods_that_name_no_data_are_scored_exactly_as_without_the_plugin()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            SchedulingEngine[] engines = [Engine(new ScoreWeights()), Engine(new ScoreWeights { Locality = 0 })];
            for (var i = random.Next(2, 8); i > 0; i--)
            {
                var node = new NodeShape((NodeKind)random.Next(6), $"n{i}").Node() with { CachedData = random.Next(2) == 0 ? "x" : null };
                Array.ForEach(engines, e => e.Cluster.UpsertNode(node));
            }

            for (var i = 0; i < 10; i++)
            {
                var pod = (random.Next(4) == 0 ? new PodShape() : PodShape.Random(random)).Builder($"p{i}").Build();
                var (with, without) = (engines[0].Schedule(pod), engines[1].Schedule(pod));
                Assert.Equal((without.Node, without.Score), (with.Node, with.Score));
            }
        }
    }

    private static PodInfo Pod(string data) => new PodBuilder("p").Gpus(1).Annotate(GpuAnnotations.Data, data).Build();

    private static SchedulingEngine Engine(ScoreWeights weights) =>
        new(new ClusterState(new ManualTimeProvider(), new LedgerOptions()), new EngineOptions { Profile = Profile.Create(weights) });

    private static double Score(string data, NodeBuilder node)
    {
        var state = new CycleState(Pod(data));
        var info = NodeFactsBuilder.Build(node.Gpus("NVIDIA-H100-80GB-HBM3", 8).Build(), null).Empty;
        Assert.True(Picks.TryPick(state.Request, info, out var pick, out _));
        return new DataLocality().Score(state, info, pick);
    }
}
