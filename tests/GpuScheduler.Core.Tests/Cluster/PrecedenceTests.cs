using System.Collections.Immutable;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Cluster;

/// <summary>Which source is believed, and what is said of the others.</summary>
public sealed class PrecedenceTests
{
    private const string H100 = "NVIDIA-H100-80GB-HBM3";

    private static readonly FactSource[] s_strongestFirst = [FactSource.Report, FactSource.ResourceSlice, FactSource.Hami, FactSource.Koordinator];

    [Fact]
    public void Each_fact_is_what_the_strongest_source_says_that_states_it() => Gen.Int.Sample(seed =>
    {
        var random = new Random(seed);
        var node = new NodeBuilder("n").Gpus(random.Next(2) == 0 ? H100 : "NVIDIA-Z900", random.Next(9));
        if (random.Next(2) == 0)
        {
            node.MemoryMiB(50_000);
        }

        var said = s_strongestFirst.Where(_ => random.Next(2) == 0).Select(source => Say(source, random)).ToList();
        var facts = Build(node.Build(), said);
        if (said.Find(s => s.Source == FactSource.Report || s.Gpus.Length > 0) is not { } first)
        {
            Assert.All(facts.Sources.Where(s => s.Key != "nvlinkDomain"), s => Assert.True(s.Value <= FactSource.Label, s.Key));
            return;
        }

        Assert.Equal(first.Source, facts.Sources["gpus"]);
        Assert.Equal(first.Gpus.Select(g => g.Uuid), facts.Gpus.Select(g => g.Uuid));
        var label = node.Build().Labels;
        for (var i = 0; i < facts.Gpus.Length; i++)
        {
            // By hand: every source that knows this GPU, from the strongest on.
            var known = said.Select(s => s.Gpus.FirstOrDefault(g => g.Uuid == first.Gpus[i].Uuid)).OfType<GpuStatement>().ToList();
            var gpu = facts.Gpus[i];
            var memory = known.Find(g => g.MemoryMiB != 0)?.MemoryMiB ?? (label.ContainsKey("nvidia.com/gpu.memory") ? 50_000 : facts.Product.StartsWith("NVIDIA-H100", StringComparison.Ordinal) ? 81_559 : 0);
            Assert.Equal(memory, gpu.MemoryMiB);
            Assert.Equal(known.Find(g => g.Healthy.HasValue)?.Healthy ?? true, gpu.Healthy);
            Assert.Equal(known.Find(g => g.NumaNode != -1)?.NumaNode ?? -1, gpu.NumaNode);
            Assert.Equal(known.Find(g => g.PciBusId is not null)?.PciBusId, gpu.PciBusId);
            Assert.Equal(known.Find(g => g.Mig.HasValue)?.Mig ?? MigMode.Disabled, gpu.Mig);
        }

        Assert.Equal(said.SelectMany(s => s.Gpus).Select(g => g.Product).FirstOrDefault(p => p is not null) ?? label["nvidia.com/gpu.product"], facts.Product);
        Assert.Equal(said.Find(s => s.NvlinkDomain is not null)?.NvlinkDomain, facts.NvlinkDomain);
        AssertLayer(said, facts, s => s.Nvlink, (m, a, b) => m.NvlinkMBps(a, b), "links");
        AssertLayer(said, facts, s => s.Pcie, (m, a, b) => (int)m.Pcie(a, b), "pcie");
    }, iter: 4_000);

    [Fact]
    public void The_order_in_which_sources_are_given_does_not_matter() => Gen.Int.Sample(seed =>
    {
        var random = new Random(seed);
        var node = new NodeBuilder("n").Gpus(H100, 4).Build();
        NodeStatement[] said = [.. s_strongestFirst.Where(s => s != FactSource.Report).Select(source => Say(source, random))];
        var facts = NodeFactsBuilder.Build(node, null, said);
        random.Shuffle(said);
        var shuffled = NodeFactsBuilder.Build(node, null, said);
        Assert.Equal(facts.Gpus, shuffled.Gpus);
        Assert.Equal(facts.Warnings, shuffled.Warnings);
        Assert.Equal(facts.Sources.OrderBy(s => s.Key), shuffled.Sources.OrderBy(s => s.Key));
    }, iter: 200);

    [Fact]
    public void A_source_without_UUIDs_is_matched_by_order_where_it_has_as_many_GPUs()
    {
        var slices = new NodeStatement(FactSource.ResourceSlice, [Gpu(0, "GPU-a"), Gpu(1, "GPU-b")]);
        var anonymous = new NodeStatement(FactSource.Koordinator, [new GpuStatement { Number = 3, NumaNode = 0 }, new GpuStatement { Number = 7, NumaNode = 1 }]);
        Assert.Equal([0, 1], Build(slices, anonymous).Gpus.Select(g => g.NumaNode));
        Assert.Equal([-1, -1], Build(slices, anonymous with { Gpus = anonymous.Gpus.Add(new GpuStatement { Number = 9, NumaNode = 1 }) }).Gpus.Select(g => g.NumaNode));
    }

    [Fact]
    public void A_GPU_without_UUID_among_others_keeps_what_its_own_source_says_of_it()
    {
        var report = new NodeReport([new GpuInfo { Index = 0, Uuid = "GPU-a", MemoryMiB = 10 }, new GpuInfo { Index = 1, MemoryMiB = 20, Healthy = false }], InterconnectMatrix.Unlinked(2), null);
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Build(), report, [new NodeStatement(FactSource.Koordinator, [Gpu(0, "GPU-b"), Gpu(1, "GPU-a") with { NumaNode = 1 }])]);
        Assert.Equal([(10, true, 1), (20, false, -1)], facts.Gpus.Select(g => (g.MemoryMiB, g.Healthy, g.NumaNode)));
        Assert.Equal(FactSource.Report, facts.Sources["links"]);
    }

    [Theory]
    [InlineData(H100 + "-SHARED")]
    [InlineData(H100 + "-MIG-1g.10gb")]
    public void Where_labels_say_that_units_are_counted_only_a_report_says_which_GPUs_there_are(string product)
    {
        var node = new NodeBuilder("n").Product(product).Count(1).Whole(7).Build();
        var facts = Build(node, [new NodeStatement(FactSource.ResourceSlice, [Gpu(0, "GPU-a") with { Product = H100 }])]);
        Assert.Equal((7, 7, false, product), (facts.Gpus.Length, facts.AllocatableGpus, facts.Shareable, facts.Product));
        Assert.Equal("by the labels nvidia.com/gpu counts MIG devices or time-slices: the GPUs of the ResourceSlices are not used", Assert.Single(facts.Warnings));
        Assert.Equal(FactSource.Report, Build(node, [NodeStatement.Of(new NodeReport([new GpuInfo { Index = 0 }], null, null))]).Sources["gpus"]);
    }

    [Fact]
    public void The_stronger_source_is_believed_of_health_and_the_weaker_is_warned_of()
    {
        var hami = new NodeStatement(FactSource.Hami, [Gpu(0, "GPU-a") with { Healthy = true }]);
        var koordinator = new NodeStatement(FactSource.Koordinator, [Gpu(0, "GPU-a") with { Healthy = false, HealthReason = "XID 79" }]);
        var facts = Build(hami, koordinator);
        Assert.True(facts.Gpus[0].Healthy);
        Assert.Equal(["GPU-a is unhealthy by Koordinator's Device (XID 79), and healthy by a stronger source, which is believed"], facts.Warnings);

        // Slices without a taint say nothing of health.
        Assert.False(Build(new NodeStatement(FactSource.ResourceSlice, [Gpu(0, "GPU-a")]), koordinator).Gpus[0].Healthy);
    }

    [Fact]
    public void A_cordon_holds_whatever_stronger_sources_say_of_health()
    {
        var report = NodeStatement.Of(new NodeReport([new GpuInfo { Index = 0, Uuid = "GPU-a" }, new GpuInfo { Index = 1, Uuid = "GPU-b" }], null, null));
        var facts = Build(new NodeBuilder("n").Build(), [report, new NodeStatement(FactSource.Hami, []) { Cordoned = ["GPU-b", "GPU-x"] }]);
        Assert.Equal((0b01ul, "cordoned by HAMi's annotations"), (facts.WholeMask, facts.Gpus[1].HealthReason));
        Assert.Equal("GPU-x is cordoned by HAMi's annotations, and no source says which GPU of the node that is; none is kept back for it", Assert.Single(facts.Warnings));
    }

    [Fact]
    public void Sources_that_contradict_what_is_believed_are_warned_of_once_each()
    {
        var slices = new NodeStatement(FactSource.ResourceSlice, [Gpu(0, "GPU-a") with { MemoryMiB = 100_000, Product = H100 }, Gpu(1, "GPU-b") with { MemoryMiB = 100_000 }]);
        var fewer = new NodeStatement(FactSource.Hami, [Gpu(0, "GPU-a") with { MemoryMiB = 106_000, Product = "Tesla-T4" }]);
        var others = new NodeStatement(FactSource.Koordinator, [Gpu(0, "GPU-a") with { MemoryMiB = 96_000 }, Gpu(1, "GPU-c")]);
        var facts = Build(new NodeBuilder("n").Product(H100).Count(3).MemoryMiB(81_559).Build(), [slices, fewer, others]);
        Assert.Equal(
        [
            "by HAMi's annotations there are 1 GPUs, and by the ResourceSlices, believed here, 2",
            "by HAMi's annotations GPU-a has 106000 MiB of memory, and by a stronger source, which is believed, 100000 MiB",
            "by HAMi's annotations the GPUs are Tesla-T4, and by a stronger source, which is believed, NVIDIA-H100-80GB-HBM3",
            "by Koordinator's Device there are other GPUs than by the ResourceSlices, believed here: GPU-b is not among them",
            "by the labels there are 3 GPUs, and by the ResourceSlices, believed here, 2",
            "by the labels GPU-a has 81559 MiB of memory, and by a stronger source, which is believed, 100000 MiB",
        ], facts.Warnings);
    }

    [Fact]
    public void Replicas_that_HAMi_announces_are_not_GPUs()
    {
        var facts = Build(new NodeBuilder("n").Whole(10).Build(), [new NodeStatement(FactSource.Hami, [Gpu(0, "GPU-a")])]);
        Assert.Equal((1, 1), (facts.Gpus.Length, facts.Empty.FreeGpus));
    }

    [Fact]
    public void MIG_devices_of_allocatable_are_laid_out_where_no_source_says_how_GPUs_are_cut()
    {
        var node = new NodeBuilder("n").Product("NVIDIA-A100-SXM4-40GB").Count(2).Mig("1g.5gb", 14).Build();
        var facts = Build(node, [new NodeStatement(FactSource.Koordinator, [Gpu(0, "GPU-a"), Gpu(1, "GPU-b")])]);
        Assert.Equal((0b11ul, FactSource.Allocatable, FactSource.Koordinator), (facts.MigMask, facts.Sources["mig"], facts.Sources["gpus"]));
        Assert.All(facts.Gpus, g => Assert.Equal(7, g.Instances.Length));
    }

    [Theory]
    [InlineData("1g.24gb", 1, "1g.23gb")]
    [InlineData("1g.47gb", 2, "1g.47gb")]
    [InlineData("1g.24gb+me", 1, "1g.23gb.me")]
    [InlineData("3g.99gb", 4, "3g.93gb")]
    [InlineData("3g.93gb", 3, "3g.93gb")]
    public void MIG_profiles_are_matched_by_slices(string name, int size, string expected)
    {
        var geometry = GpuCatalogue.Find("NVIDIA-GB200")!.Mig!;
        Assert.Equal(expected, geometry.Profiles[geometry.IndexOf(new MigPlacement(name, 0, size))].Name);
    }

    [Fact]
    public void A_pod_keeps_its_GPU_when_a_source_comes_that_numbers_them_otherwise()
    {
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        cluster.UpsertNode(new NodeBuilder("n").Gpus(H100, 2).Build());
        cluster.UpsertStatement("n", new NodeStatement(FactSource.Koordinator, [Gpu(0, "GPU-a"), Gpu(1, "GPU-b")]));
        cluster.UpsertPod(new PodBuilder("p").Gpus(1).On("n", new DeviceAssignment([new AssignedDevice(1, "GPU-b")])).Build());
        Assert.Equal(0b01ul, cluster.Current.Find("n")!.IdleMask);

        cluster.UpsertStatement("n", new NodeStatement(FactSource.ResourceSlice, [Gpu(0, "GPU-b"), Gpu(1, "GPU-a")]));
        Assert.Equal(0b10ul, cluster.Current.Find("n")!.IdleMask);
        cluster.DeleteStatement("n", FactSource.ResourceSlice);
        Assert.Equal(0b01ul, cluster.Current.Find("n")!.IdleMask);
        cluster.ReplaceStatements(FactSource.Koordinator, new Dictionary<string, NodeStatement>());
        Assert.Equal((0b01ul, FactSource.Label), (cluster.Current.Find("n")!.IdleMask, cluster.Current.Find("n")!.Facts.Sources["gpus"]));
    }

    [Fact]
    public void In_whatever_order_nodes_and_statements_come_the_same_is_believed() => Gen.Int.Sample(seed =>
    {
        var random = new Random(seed);
        var node = new NodeBuilder("n").Gpus(H100, 4).Build();
        NodeStatement[] said = [Say(FactSource.ResourceSlice, random), Say(FactSource.Koordinator, random)];
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        Action[] events =
        [
            () => cluster.UpsertNode(node),
            () => cluster.UpsertStatement("n", said[0]),
            () => cluster.ReplaceStatements(FactSource.Koordinator, new Dictionary<string, NodeStatement> { ["n"] = said[1], ["m"] = said[1] }),
        ];
        random.Shuffle(events);
        Array.ForEach(events, e => e());
        var facts = cluster.Current.Find("n")!.Facts;
        var expected = NodeFactsBuilder.Build(node, null, said);
        Assert.Equal(expected.Gpus, facts.Gpus);
        Assert.Equal(expected.Warnings, facts.Warnings);

        cluster.DeleteStatement("n", FactSource.ResourceSlice);
        cluster.ReplaceStatements(FactSource.Koordinator, new Dictionary<string, NodeStatement>());
        Assert.Equal(NodeFactsBuilder.Build(node, null).Gpus, cluster.Current.Find("n")!.Facts.Gpus);
    }, iter: 300);

    [Fact]
    public void A_pod_on_a_GPU_that_became_unfit_is_a_finding_whichever_source_says_so()
    {
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        cluster.UpsertNode(new NodeBuilder("n").Gpus(H100, 1).Build());
        cluster.UpsertPod(new PodBuilder("p").Gpus(1).On("n", new DeviceAssignment([new AssignedDevice(0, "GPU-a")])).Build());
        cluster.UpsertStatement("n", new NodeStatement(FactSource.ResourceSlice, [Gpu(0, "GPU-a") with { Healthy = false, HealthReason = "taint gpu.nvidia.com/xid=79" }]));
        Assert.Equal("it holds GPU 0 (GPU-a), which is unhealthy: taint gpu.nvidia.com/xid=79", Assert.Single(cluster.Findings("n")).Text);
    }

    [Fact]
    public void Only_news_make_a_new_snapshot()
    {
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        NodeStatement Statement() => new(FactSource.Hami, [Gpu(0, "GPU-a")]) { Nvlink = InterconnectMatrix.Unlinked(1), Cordoned = ["GPU-a"], Warnings = ["w"] };
        cluster.UpsertNode(new NodeBuilder("n").Gpus(H100, 1).Build() with { Statement = Statement() });
        cluster.UpsertStatement("n", Statement() with { Source = FactSource.Koordinator });
        var before = cluster.Current;
        cluster.UpsertNode(new NodeBuilder("n").Gpus(H100, 1).Build() with { Statement = Statement() });
        cluster.UpsertStatement("n", Statement() with { Source = FactSource.Koordinator });
        Assert.Same(before, cluster.Current);

        cluster.UpsertNode(new NodeBuilder("n").Gpus(H100, 1).Taint(new NodeTaint("k", "", "NoSchedule")).Build() with { Statement = Statement() });
        Assert.Single(cluster.Current.Find("n")!.Facts.Taints);
    }

    private static GpuStatement Gpu(int number, string uuid) => new() { Number = number, Uuid = uuid };

    private static NodeFacts Build(params NodeStatement[] said) => Build(new NodeBuilder("n").Build(), [.. said]);

    private static NodeFacts Build(NodeObject node, List<NodeStatement> said)
    {
        var hami = said.Find(s => s.Source == FactSource.Hami);
        return NodeFactsBuilder.Build(hami is null ? node : node with { Statement = hami }, null, said.Where(s => s.Source != FactSource.Hami));
    }

    /// <summary>Of a machine of at most six GPUs, each source knows some, in an order of its own, and of each some facts, which are its own.</summary>
    private static NodeStatement Say(FactSource source, Random random)
    {
        var uuids = Enumerable.Range(0, random.Next(3) == 0 ? random.Next(1, 7) : 4).Select(i => $"GPU-{i}").ToArray();
        random.Shuffle(uuids);
        var worth = (int)source;
        bool States() => random.Next(2) == 0;
        var gpus = uuids.Select((uuid, i) => new GpuStatement
        {
            Number = i,
            Uuid = uuid,
            Product = States() ? $"{H100}-{source}" : null,
            MemoryMiB = States() ? (worth * 1_000) + random.Next(100) : 0,
            Healthy = States() ? States() : null,
            NumaNode = States() ? (worth * 10) + random.Next(5) : -1,
            PciBusId = States() ? $"{source}:{i}" : null,
            Mig = States() ? (MigMode)random.Next(3) : null,
        }).ToImmutableArray();
        return new NodeStatement(source, random.Next(8) == 0 ? [] : gpus)
        {
            Nvlink = States() ? Matrix(uuids.Length, random) : null,
            Pcie = States() ? Matrix(uuids.Length, random) : null,
            NvlinkDomain = States() ? $"domain.{source}" : null,
        };
    }

    private static InterconnectMatrix Matrix(int count, Random random)
    {
        PcieLevel[] levels = [PcieLevel.Single, PcieLevel.Node, PcieLevel.System];
        var nvlink = new int[count * count];
        var pcie = new PcieLevel[count * count];
        for (var a = 0; a < count; a++)
        {
            for (var b = a + 1; b < count; b++)
            {
                nvlink[(a * count) + b] = nvlink[(b * count) + a] = random.Next(1_000_000);
                pcie[(a * count) + b] = pcie[(b * count) + a] = levels[random.Next(3)];
            }
        }

        return new InterconnectMatrix(count, nvlink, pcie);
    }

    private static void AssertLayer(List<NodeStatement> said, NodeFacts facts, Func<NodeStatement, InterconnectMatrix?> matrix, Func<InterconnectMatrix, int, int, int> of, string name)
    {
        var uuids = facts.Gpus.Select(g => g.Uuid!).ToList();
        var winner = said.Find(s => matrix(s) is not null && s.Gpus.Length > 0 && uuids.TrueForAll(u => s.Gpus.Any(g => g.Uuid == u)));
        if (winner is null)
        {
            Assert.True(facts.Sources[name] <= FactSource.Catalogue);
            return;
        }

        Assert.Equal(winner.Source, facts.Sources[name]);
        var order = winner.Gpus.Select(g => g.Uuid!).ToList();
        for (var a = 0; a < uuids.Count; a++)
        {
            for (var b = 0; b < uuids.Count; b++)
            {
                Assert.Equal(of(matrix(winner)!, order.IndexOf(uuids[a]), order.IndexOf(uuids[b])), of(facts.Links, a, b));
            }
        }
    }
}
