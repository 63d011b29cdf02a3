using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>What is made of the objects of other stacks, by way of a snapshot file and the whole state.</summary>
public sealed class SourceFixtureTests : IDisposable
{
    private const string H100 = "NVIDIA-H100-80GB-HBM3";

    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void The_text_form_of_HAMi_lists_devices_by_their_ids()
    {
        var facts = Facts("v100", Fixtures.Sources("hami-text.yaml"));
        Assert.Equal(["GPU-00552014-5c87-89ac-b1a6-7b53aa24b0ec", "GPU-0fc3eda5-e98b-a25b-5b0d-cf5c855d1448"], facts.Gpus.Select(g => g.Uuid));
        Assert.Equal(("Tesla-V100-PCIE-32GB", 32_768, 2), (facts.Product, facts.Gpus[0].MemoryMiB, facts.Empty.FreeGpus));
        Assert.Equal(-1, facts.Gpus[0].NumaNode);
        AssertSources(facts, FactSource.Hami, "gpus", "product", "memory", "health");
        AssertSources(facts, FactSource.Assumed, "mig", "links", "pcie");
        Assert.Empty(facts.Warnings);
    }

    [Fact]
    public void The_text_form_of_HAMi_with_indices_lists_devices_by_them()
    {
        var facts = Facts("a10", Fixtures.Sources("hami-text-indexed.yaml"));
        Assert.Equal([(0, false), (1, true)], facts.Gpus.Select(g => (g.NumaNode, g.Healthy)));
        Assert.StartsWith("GPU-00000001", facts.Gpus[0].Uuid, StringComparison.Ordinal);
        Assert.Equal("health is false in hami.io/node-nvidia-register", facts.Gpus[0].HealthReason);
        Assert.Equal((0b10ul, "NVIDIA-A10"), (facts.WholeMask, facts.Product));
        AssertSources(facts, FactSource.Hami, "mig", "numa", "pcie");
    }

    [Fact]
    public void The_JSON_form_of_HAMi_brings_links_by_scores_and_a_cordon()
    {
        var facts = Facts("a100", Fixtures.Sources("hami-json.yaml"));
        Assert.Equal([0, 0, 1, 1], facts.Gpus.Select(g => g.NumaNode));
        Assert.Equal((300_000, 300_000, 0), (facts.Links.NvlinkMBps(0, 3), facts.Links.NvlinkMBps(1, 2), facts.Links.NvlinkMBps(0, 1)));
        Assert.Equal((PcieLevel.Node, PcieLevel.System), (facts.Links.Pcie(0, 1), facts.Links.Pcie(0, 3)));
        Assert.Equal((0b1011ul, "cordoned by HAMi's annotations"), (facts.WholeMask, facts.Gpus[2].HealthReason));
        Assert.Equal(81_920, facts.Gpus[1].MemoryMiB);
        AssertSources(facts, FactSource.Hami, "links", "pcie", "health", "mig", "gpus", "numa");
        Assert.Empty(facts.Warnings);
    }

    [Fact]
    public void A_GPU_that_HAMi_cuts_is_not_whole()
    {
        var facts = Facts("mig", Fixtures.Sources("hami-mig.yaml"));
        Assert.Equal((0ul, 1ul, MigMode.OnDemand), (facts.WholeMask, facts.MigMask, facts.Gpus[0].Mig));
        Assert.Equal([7, 1, 4, 3, 2, 1, 1], facts.AllocatableMig);
    }

    [Fact]
    public void A_Device_of_Koordinator_brings_topology_and_partitions()
    {
        var facts = Facts("koord", Node("koord"), Fixtures.Sources("koordinator-device.yaml"));
        Assert.Equal(4, facts.Gpus.Length);
        Assert.Equal([0, 0, 1, 1], facts.Gpus.Select(g => g.NumaNode));
        Assert.Equal("0000:3c:00.0", facts.Gpus[1].PciBusId);
        Assert.Equal((214_748, 0), (facts.Links.NvlinkMBps(0, 1), facts.Links.NvlinkMBps(1, 2)));
        Assert.Equal((PcieLevel.HostBridge, PcieLevel.System), (facts.Links.Pcie(2, 3), facts.Links.Pcie(1, 2)));
        Assert.Equal((0b1011ul, 81_920, "NVIDIA-A100-80GB-PCIe"), (facts.WholeMask, facts.Gpus[0].MemoryMiB, facts.Product));
        AssertSources(facts, FactSource.Koordinator, "gpus", "product", "memory", "health", "numa", "pciBusId", "links", "pcie");
    }

    [Fact]
    public void Devices_of_another_vendor_are_not_ours()
    {
        var facts = Facts("koord", Node("koord"), Fixtures.Sources("koordinator-device.yaml").Replace("gpu-vendor: nvidia", "gpu-vendor: huawei", StringComparison.Ordinal));
        Assert.Empty(facts.Gpus);
        Assert.Empty(facts.Warnings);
    }

    [Fact]
    public void The_newest_complete_ResourceSlices_of_the_driver_count()
    {
        var facts = Facts("dra", Node("dra"), Fixtures.Sources("dra-v1.yaml"));
        Assert.Equal(4, facts.Gpus.Length);
        Assert.Equal([true, false, true, true], facts.Gpus.Select(g => g.Healthy));
        Assert.Equal("taint gpu.nvidia.com/xid=79", facts.Gpus[1].HealthReason);
        Assert.Equal((H100, 81_559, "0000:12:00.0"), (facts.Product, facts.Gpus[0].MemoryMiB, facts.Gpus[2].PciBusId));
        Assert.Equal([0, 0, 1, 1], facts.Gpus.Select(g => g.NumaNode));
        Assert.Equal(450_000, facts.Links.NvlinkMBps(0, 3));
        Assert.Equal((PcieLevel.Node, PcieLevel.System), (facts.Links.Pcie(0, 1), facts.Links.Pcie(0, 3)));
        AssertSources(facts, FactSource.ResourceSlice, "gpus", "product", "memory", "health", "mig", "numa", "pcie");
        AssertSources(facts, FactSource.Catalogue, "links");
        Assert.Empty(facts.Warnings);
    }

    [Theory]
    [InlineData("dra-v1beta1.yaml")]
    [InlineData("dra-v1beta2.yaml")]
    public void Earlier_versions_of_ResourceSlices_say_the_same(string fixture)
    {
        var facts = Facts("drab", Node("drab"), Fixtures.Sources(fixture));
        Assert.Equal(["GPU-000000d0-1c2d-4e5f-8a9b-0123456789ab", "GPU-000000d1-1c2d-4e5f-8a9b-0123456789ab"], facts.Gpus.Select(g => g.Uuid));
        Assert.Equal((H100, 81_559, 2), (facts.Product, facts.Gpus[0].MemoryMiB, facts.Empty.FreeGpus));
        AssertSources(facts, FactSource.Assumed, "health");
    }

    [Fact]
    public void A_GPU_announced_only_in_parts_is_cut_on_demand_and_one_announced_whole_too_is_whole()
    {
        var facts = Facts("dyn", Node("dyn"), Fixtures.Sources("dra-dynamic-mig.yaml"));
        Assert.Equal((0b01ul, 0b10ul), (facts.WholeMask, facts.MigMask));
        Assert.Equal([MigMode.Disabled, MigMode.OnDemand], facts.Gpus.Select(g => g.Mig));
        Assert.Equal([7, 1, 4, 3, 2, 1, 1], facts.AllocatableMig);
    }

    [Fact]
    public void MIG_devices_are_known_by_their_slices_whatever_the_driver_calls_them()
    {
        var facts = Facts("st", Node("st"), Fixtures.Sources("dra-static-mig.yaml"));
        Assert.Equal([("1g.23gb", 0, 1, "MIG-a"), ("3g.93gb", 4, 4, "MIG-b")], facts.Gpus[0].Instances.Select(i => (i.Placement.Profile, i.Placement.Start, i.Placement.Size, i.Uuid!)));
        Assert.Equal((0b10ul, 0b01ul), (facts.WholeMask, facts.MigMask));
        Assert.Equal([1, 0, 0, 0, 1, 0, 0], facts.AllocatableMig);
    }

    [Fact]
    public void A_name_is_once_in_a_file()
    {
        var device = Fixtures.Sources("koordinator-device.yaml");
        Assert.Contains("the Device of node koord is in the file twice", Assert.Throws<InvalidSnapshotException>(() => Facts("koord", Node("koord"), device, device)).Message, StringComparison.Ordinal);
        var slices = Fixtures.Sources("dra-v1.yaml");
        Assert.Contains("ResourceSlice dra-1 is in the file twice", Assert.Throws<InvalidSnapshotException>(() => Facts("dra", Node("dra"), slices, slices)).Message, StringComparison.Ordinal);
    }

    private static string Node(string name) => $"apiVersion: v1\nkind: Node\nmetadata:\n  name: {name}\n";

    private static void AssertSources(NodeFacts facts, FactSource source, params string[] names) =>
        Assert.All(names, name => Assert.Equal((name, source), (name, facts.Sources[name])));

    private NodeFacts Facts(string node, params string[] documents)
    {
        File.WriteAllText(_path, string.Join("\n---\n", documents));
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());
        SnapshotFile.Load(_path).ApplyTo(state);
        return state.Current.Find(node)!.Facts;
    }
}
