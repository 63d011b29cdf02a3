using System.Collections.Immutable;
using System.Numerics;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Cluster;

public class NodeFactsBuilderTests
{
    private const string A100 = "NVIDIA-A100-SXM4-40GB";
    private const string H100 = "NVIDIA-H100-80GB-HBM3";

    [Fact]
    public void Labels_and_the_catalogue_describe_a_node_that_reports_nothing()
    {
        var facts = Build(new NodeBuilder("n").Gpus(H100, 8).MemoryMiB(81_000));
        Assert.Equal(8, facts.Gpus.Length);
        Assert.All(facts.Gpus, g => Assert.Equal((81_000, MigMode.Disabled, true), (g.MemoryMiB, g.Mig, g.Healthy)));
        Assert.Equal((0xFFul, 0ul, 8), (facts.WholeMask, facts.MigMask, facts.AllocatableGpus));
        Assert.Equal(Fixtures.Machine("dgx-h100").Links(), facts.Links);
        Assert.Equal((64_000, 512L << 30), (facts.CpuMilli, facts.MemoryBytes));
        Assert.True(facts.Shareable);
        Assert.Empty(facts.Warnings);
        AssertSources(facts, ("gpus", FactSource.Label), ("memory", FactSource.Label), ("links", FactSource.Catalogue), ("health", FactSource.Assumed), ("mig", FactSource.Assumed));
    }

    [Fact]
    public void Without_a_memory_label_the_catalogue_says_how_much_memory_a_GPU_has()
    {
        var facts = Build(new NodeBuilder("n").Gpus("Tesla-T4", 1));
        Assert.Equal(15_360, facts.Gpus[0].MemoryMiB);
        AssertSources(facts, ("memory", FactSource.Catalogue), ("links", FactSource.Assumed));
    }

    [Fact]
    public void An_unknown_product_has_GPUs_of_unknown_memory_without_links()
    {
        var facts = Build(new NodeBuilder("n").Gpus("NVIDIA-Z900", 4));
        Assert.Null(facts.Model);
        Assert.Equal(4, facts.Gpus.Length);
        Assert.All(facts.Gpus, g => Assert.Equal(0, g.MemoryMiB));
        Assert.False(facts.Links.HasNvlink);
        AssertSources(facts, ("memory", FactSource.Assumed), ("links", FactSource.Assumed));
    }

    [Fact]
    public void A_node_without_labels_has_the_GPUs_that_are_allocatable()
    {
        var facts = Build(new NodeBuilder("n").Whole(2));
        Assert.Equal(("", 2, 2), (facts.Product, facts.Gpus.Length, facts.AllocatableGpus));
        AssertSources(facts, ("gpus", FactSource.Allocatable));
    }

    [Fact]
    public void A_node_without_GPUs_has_none()
    {
        var facts = Build(new NodeBuilder("n"));
        Assert.Empty(facts.Gpus);
        Assert.Equal((0ul, 0), (facts.WholeMask, facts.AllocatableGpus));
        Assert.Equal(0, facts.Empty.FreeGpus);
    }

    [Fact]
    public void Where_fewer_GPUs_are_allocatable_than_counted_only_so_many_are_handed_out()
    {
        var facts = Build(new NodeBuilder("n").Product(H100).Count(8).Whole(6));
        Assert.Equal((8, 6, 6), (facts.Gpus.Length, facts.AllocatableGpus, facts.Empty.FreeGpus));
    }

    [Fact]
    public void Where_more_GPUs_are_allocatable_than_counted_all_are_there()
    {
        var facts = Build(new NodeBuilder("n").Product(H100).Count(2).Whole(8));
        Assert.Equal((8, 8), (facts.Gpus.Length, facts.AllocatableGpus));
    }

    [Fact]
    public void A_report_wins_over_labels_allocatable_and_the_catalogue()
    {
        var links = InterconnectMatrix.Unlinked(2);
        var report = new NodeReport([new GpuInfo { Index = 0, Uuid = "GPU-0", MemoryMiB = 70_000 }, new GpuInfo { Index = 1, Uuid = "GPU-1", MemoryMiB = 70_000 }], links, "domain.1");
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus(H100, 8).MemoryMiB(81_000).Label("nvidia.com/gpu.clique", "other.2").Build(), report);
        Assert.Equal(2, facts.Gpus.Length);
        Assert.Equal(["GPU-0", "GPU-1"], facts.Gpus.Select(g => g.Uuid));
        Assert.All(facts.Gpus, g => Assert.Equal(70_000, g.MemoryMiB));
        Assert.Equal(links, facts.Links);
        Assert.Equal("domain.1", facts.NvlinkDomain);
        AssertSources(facts, ("gpus", FactSource.Report), ("memory", FactSource.Report), ("links", FactSource.Report), ("health", FactSource.Report), ("mig", FactSource.Report), ("nvlinkDomain", FactSource.Report));
    }

    [Fact]
    public void What_a_report_leaves_out_labels_and_the_catalogue_fill_in()
    {
        var report = new NodeReport([.. Enumerable.Range(0, 8).Select(i => new GpuInfo { Index = i })], null, null);
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus(H100, 8).Label("nvidia.com/gpu.clique", "uuid.3").Build(), report);
        Assert.All(facts.Gpus, g => Assert.Equal(81_559, g.MemoryMiB));
        Assert.Equal(Fixtures.Machine("dgx-h100").Links(), facts.Links);
        Assert.Equal("uuid.3", facts.NvlinkDomain);
        AssertSources(facts, ("gpus", FactSource.Report), ("memory", FactSource.Catalogue), ("links", FactSource.Catalogue), ("nvlinkDomain", FactSource.Label));
    }

    [Fact]
    public void A_matrix_for_another_number_of_GPUs_is_not_used()
    {
        var report = new NodeReport([new GpuInfo { Index = 0 }, new GpuInfo { Index = 1 }], Fixtures.Machine("dgx-h100").Links(), null);
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("NVIDIA-Z900", 2).Build(), report);
        Assert.Equal(InterconnectMatrix.Unlinked(2), facts.Links);
        Assert.Contains(facts.Warnings, w => w.Contains("link matrix", StringComparison.Ordinal));
        AssertSources(facts, ("links", FactSource.Assumed));
    }

    [Fact]
    public void Unhealthy_GPUs_are_not_offered()
    {
        var report = new NodeReport([.. Enumerable.Range(0, 4).Select(i => new GpuInfo { Index = i, Healthy = i != 2, Mig = i == 3 ? MigMode.OnDemand : MigMode.Disabled })], null, null);
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Product(A100).Build(), report);
        Assert.Equal((0b0011ul, 0b1000ul, 0b0011ul, 2), (facts.WholeMask, facts.MigMask, facts.Empty.IdleMask, facts.Empty.FreeGpus));
        Assert.Equal(0b0011ul, facts.Empty.ShareMask);
    }

    [Fact]
    public void In_the_single_strategy_the_units_are_MIG_devices_without_links_that_cannot_be_shared_again()
    {
        var facts = Build(new NodeBuilder("n").Product(A100 + "-MIG-1g.5gb").Count(56).Whole(56).MemoryMiB(4_864));
        Assert.Equal((56, 56, false, false), (facts.Gpus.Length, facts.AllocatableGpus, facts.Shareable, facts.Links.HasNvlink));
        Assert.All(facts.Gpus, g => Assert.Equal(4_864, g.MemoryMiB));
        Assert.Equal(0ul, facts.Empty.ShareMask);
        Assert.Equal(56, facts.Empty.FreeGpus);
        Assert.Equal(A100, facts.Model!.Name);
    }

    [Theory]
    [InlineData("Tesla-T4-SHARED", null)]
    [InlineData("Tesla-T4", "4")]
    public void Time_slices_are_units_that_cannot_be_shared_again(string product, string? replicas)
    {
        var node = new NodeBuilder("n").Product(product).Count(1).Whole(4);
        var facts = Build(replicas is null ? node : node.Label("nvidia.com/gpu.replicas", replicas));
        Assert.Equal((4, 4, false), (facts.Gpus.Length, facts.AllocatableGpus, facts.Shareable));
    }

    [Fact]
    public void One_replica_is_no_time_slicing() =>
        Assert.True(Build(new NodeBuilder("n").Gpus("Tesla-T4", 1).Label("nvidia.com/gpu.replicas", "1")).Shareable);

    [Fact]
    public void More_units_than_can_be_told_apart_are_cut_with_a_warning()
    {
        var facts = Build(new NodeBuilder("n").Product(A100 + "-SHARED").Count(8).Whole(80));
        Assert.Equal(64, facts.Gpus.Length);
        Assert.Equal(64, facts.AllocatableGpus);
        Assert.Contains(facts.Warnings, w => w.Contains("80", StringComparison.Ordinal));
    }

    [Fact]
    public void Junk_in_labels_and_allocatable_is_warned_of_once_and_passed_over()
    {
        var facts = Build(new NodeBuilder("n").Product(H100).Label("nvidia.com/gpu.count", "eight").Label("nvidia.com/gpu.memory", "-1").Whole(8));
        Assert.Equal(8, facts.Gpus.Length);
        Assert.Equal(81_559, facts.Gpus[0].MemoryMiB);
        Assert.Equal(2, facts.Warnings.Length);
        var junk = Build(new NodeBuilder("n").Product(H100).Allocatable("nvidia.com/gpu", "many").Allocatable("cpu", "x").Allocatable("memory", ""));
        Assert.Equal((0, 0L, 0L), (junk.AllocatableGpus, junk.CpuMilli, junk.MemoryBytes));
        Assert.Contains(junk.Warnings, w => w.Contains("\"many\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Junk_in_MIG_labels_is_warned_of_once()
    {
        var facts = Build(new NodeBuilder("n").Product(A100).Label("nvidia.com/gpu.count", "two").Mig("1g.5gb", 7).Allocatable("nvidia.com/mig-2g.10gb", "x"));
        Assert.Equal(1, facts.Warnings.Count(w => w.Contains("gpu.count", StringComparison.Ordinal)));
        Assert.Equal(1, facts.Warnings.Count(w => w.Contains("2g.10gb", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000000.0", null)]
    [InlineData("00000000-0000-0000-0000-000000000000.7", null)]
    [InlineData("", null)]
    [InlineData("8e3b1c9a-0000-0000-0000-000000000000.2", "8e3b1c9a-0000-0000-0000-000000000000.2")]
    public void The_all_zero_clique_is_no_domain_whoever_says_it(string clique, string? domain)
    {
        var node = new NodeBuilder("n").Gpus("NVIDIA-GB200", 4);
        Assert.Equal(domain, NodeFactsBuilder.Build(node.Build(), Report(4) with { NvlinkDomain = clique }).NvlinkDomain);
        Assert.Equal(domain, Build(node.Label("nvidia.com/gpu.clique", clique)).NvlinkDomain);
    }

    [Fact]
    public void The_balanced_mixed_strategy_is_laid_out_alike_on_every_GPU()
    {
        var facts = Build(new NodeBuilder("n").Product(A100).Count(8).Mig("1g.5gb", 16).Mig("2g.10gb", 8).Mig("3g.20gb", 8));
        Assert.Equal((8, 0ul, 0xFFul, 0), (facts.Gpus.Length, facts.WholeMask, facts.MigMask, facts.AllocatableGpus));
        Assert.All(facts.Gpus, g =>
        {
            Assert.Equal(MigMode.Fixed, g.Mig);
            Assert.Equal(["1g.5gb", "1g.5gb", "2g.10gb", "3g.20gb"], g.Instances.Select(i => i.Placement.Profile).Order());
        });
        AssertSources(facts, ("mig", FactSource.Allocatable));
    }

    [Fact]
    public void GPUs_in_MIG_mode_stand_beside_whole_ones()
    {
        var facts = Build(new NodeBuilder("n").Product(A100).Count(8).Whole(6).Mig("3g.20gb", 4));
        Assert.Equal((8, 6, 6, 2), (facts.Gpus.Length, facts.AllocatableGpus, BitOperations.PopCount(facts.WholeMask), BitOperations.PopCount(facts.MigMask)));
        Assert.Equal(0ul, facts.WholeMask & facts.MigMask);
    }

    [Fact]
    public void Devices_that_cannot_all_exist_at_once_are_made_on_demand()
    {
        var facts = Build(new NodeBuilder("n").Product(A100).Count(2).Mig("1g.5gb", 14).Mig("2g.10gb", 6).Mig("3g.20gb", 4).Mig("7g.40gb", 2));
        Assert.All(facts.Gpus, g => Assert.Equal(MigMode.OnDemand, g.Mig));
        Assert.Equal(2, facts.Gpus.Length);
        Assert.Equal(14, facts.Empty.FreeMig[facts.Geometry!.IndexOf("1g.5gb")]);
    }

    [Fact]
    public void MIG_devices_of_an_unknown_product_are_warned_of_and_not_offered()
    {
        var facts = Build(new NodeBuilder("n").Product("NVIDIA-Z900").Count(1).Mig("1g.5gb", 7));
        Assert.Equal(0ul, facts.MigMask);
        Assert.Null(facts.Geometry);
        Assert.Contains(facts.Warnings, w => w.Contains("1g.5gb", StringComparison.Ordinal));
    }

    [Fact]
    public void GPUs_reported_in_MIG_mode_without_known_profiles_are_not_offered()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Product("NVIDIA-Z900").Build(), Report(2, MigMode.OnDemand));
        Assert.Equal((0ul, 0ul), (facts.WholeMask, facts.MigMask));
        Assert.NotEmpty(facts.Warnings);
    }

    [Fact]
    public void Without_MIG_in_allocatable_what_exists_or_fits_is_the_limit()
    {
        var node = new NodeBuilder("n").Product(A100).Build();
        var onDemand = NodeFactsBuilder.Build(node, Report(2, MigMode.OnDemand));
        Assert.Equal([14, 2, 8, 6, 4, 2, 2], onDemand.AllocatableMig);
        var gpus = Report(1).Gpus.SetItem(0, new GpuInfo { Index = 0, Mig = MigMode.Fixed, Instances = [new MigInstance(new MigPlacement("3g.20gb", 4, 4), "MIG-1")] });
        Assert.Equal([0, 0, 0, 0, 1, 0, 0], NodeFactsBuilder.Build(node, new NodeReport(gpus, null, null)).AllocatableMig);
    }

    [Fact]
    public void No_numbers_however_absurd_make_it_throw()
    {
        string[] numbers = ["0", "1", "2", "7", "8", "16", "63", "64", "65", "100", "536870912", "2147483640", "2147483647", "99999999999", "-1", "x"];
        string[] resources = ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "nvidia.com/mig-1g.6gb", "nvidia.com/mig-1g.5gb.me", "nvidia.com/mig-3g.20gb", "nvidia.com/mig-7g.40gb"];
        string[] labels = ["nvidia.com/gpu.count", "nvidia.com/gpu.memory", "nvidia.com/gpu.replicas"];
        string[] products = [A100, A100 + "-MIG-1g.5gb", A100 + "-SHARED", "Tesla-T4", ""];
        var number = Gen.Int[0, numbers.Length - 1];
        Gen.Select(Gen.Int[0, products.Length - 1], Gen.Select(Gen.Int[0, resources.Length - 1], number).Array[0, 4], Gen.Select(Gen.Int[0, labels.Length - 1], number).Array[0, 3], Gen.Int[-1, 70]).Sample((product, allocatable, label, reported) =>
        {
            var node = new NodeBuilder("n").Product(products[product]);
            foreach (var (resource, value) in allocatable)
            {
                node.Allocatable(resources[resource], numbers[value]);
            }

            foreach (var (key, value) in label)
            {
                node.Label(labels[key], numbers[value]);
            }

            var facts = NodeFactsBuilder.Build(node.Build(), reported < 0 ? null : Report(reported, reported % 3 == 0 ? MigMode.OnDemand : MigMode.Disabled));
            Assert.InRange(facts.Gpus.Length, 0, 64);
            Assert.Equal(facts.Gpus.Length, facts.Links.GpuCount);
            Assert.True(facts.AllocatableGpus >= 0 && facts.AllocatableMig.All(m => m >= 0));
            Assert.InRange(facts.Empty.FreeGpus, 0, facts.Gpus.Length);
            Assert.True(facts.Geometry is null || facts.AllocatableMig.Length == facts.Geometry.Profiles.Length);
        }, iter: 3000);
    }

    private static NodeFacts Build(NodeBuilder node) => NodeFactsBuilder.Build(node.Build(), null);

    private static NodeReport Report(int gpus, MigMode mig = MigMode.Disabled) =>
        new([.. Enumerable.Range(0, gpus).Select(i => new GpuInfo { Index = i, Mig = mig })], null, null);

    private static void AssertSources(NodeFacts facts, params (string Fact, FactSource Source)[] expected)
    {
        foreach (var (fact, source) in expected)
        {
            Assert.Equal((fact, source), (fact, facts.Sources[fact]));
        }
    }
}
