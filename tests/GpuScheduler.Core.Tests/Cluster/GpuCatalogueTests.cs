using GpuScheduler.Core.Cluster;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Cluster;

public class GpuCatalogueTests
{
    public static TheoryData<string, string> MachinesByProduct() =>
        [.. Fixtures.Machines.SelectMany(m => m.GpuProducts.Select(p => (m.Id, p)))];

    public static TheoryData<string> MigLabels() => [.. Fixtures.MigProducts.SelectMany(p => p.GfdProducts)];

    [Theory]
    [MemberData(nameof(MachinesByProduct))]
    public void A_known_machine_is_wired_as_it_was_measured(string id, string product)
    {
        var fact = Fixtures.Machine(id);
        var machine = GpuCatalogue.Find(product)?.MachineWith(fact.GpuCount);
        Assert.NotNull(machine);
        for (var a = 0; a < fact.GpuCount; a++)
        {
            for (var b = 0; b < fact.GpuCount; b++)
            {
                Assert.Equal(fact.NvlinkMBps(a, b), machine.NvlinkMBps(a, b));
                if (!fact.IsVirtual)
                {
                    Assert.Equal(fact.PcieByNuma(a, b), machine.Pcie(a, b));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(MigLabels))]
    public void The_MIG_profiles_of_a_product_are_the_published_ones(string label)
    {
        var fact = Fixtures.MigProduct(label);
        var geometry = GpuCatalogue.Find(label)?.Mig;
        Assert.NotNull(geometry);
        Assert.Equal(fact.MemorySliceCount, geometry.MemorySlices);
        Assert.Equal(fact.Profiles.Select(p => p.ResourceName).Order(), geometry.Profiles.Select(p => p.Name).Order());
        foreach (var profile in fact.Profiles)
        {
            var ours = geometry.Profiles[geometry.IndexOf(profile.ResourceName)];
            Assert.Equal(
                (profile.ResourceName, profile.ComputeSlices, profile.MemorySlices, profile.MaxInstances, profile.MemoryMiB, profile.MediaExtensions),
                (ours.Name, ours.ComputeSlices, ours.MemorySlices, ours.MaxInstances, ours.MemoryMiB, ours.HasMediaExtensions));
            Assert.Equal(profile.Starts, ours.Starts);
        }
    }

    [Theory]
    [InlineData("NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-SXM4-80GB")]
    [InlineData("A100-SXM4-40GB", "NVIDIA-A100-SXM4-40GB")]
    [InlineData("A100-SXM4-80GB-SHARED", "NVIDIA-A100-SXM4-80GB")]
    [InlineData("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "NVIDIA-A100-SXM4-40GB")]
    [InlineData("NVIDIA-A100-80GB-PCIe", "NVIDIA-A100-80GB-PCIe")]
    [InlineData("NVIDIA-A100-PCIE-80GB", "NVIDIA-A100-80GB-PCIe")]
    [InlineData("A100-PCIE-40GB", "NVIDIA-A100-PCIE-40GB")]
    [InlineData("NVIDIA-H100-80GB-HBM3-SHARED", "NVIDIA-H100-80GB-HBM3")]
    [InlineData("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED", "NVIDIA-H100-80GB-HBM3")]
    [InlineData("NVIDIA-H200", "NVIDIA-H200")]
    [InlineData("NVIDIA-H200-NVL", "NVIDIA-H200-NVL")]
    [InlineData("NVIDIA-GB200", "NVIDIA-GB200")]
    [InlineData("Tesla-V100-SXM2-16GB", "Tesla-V100-SXM2-16GB")]
    [InlineData("Tesla V100-SXM2-16GB", "Tesla-V100-SXM2-16GB")]
    [InlineData("V100-SXM2-32GB", "Tesla-V100-SXM2-32GB")]
    [InlineData("NVIDIA-Tesla-T4", "Tesla-T4")]
    [InlineData("Tesla-T4-SHARED", "Tesla-T4")]
    [InlineData("NVIDIA-T4", "Tesla-T4")]
    [InlineData("NVIDIA-A10", "NVIDIA-A10")]
    [InlineData("NVIDIA-A10G", "NVIDIA-A10G")]
    [InlineData("NVIDIA-L40S", "NVIDIA-L40S")]
    public void A_label_is_found_with_and_without_what_drivers_and_GFD_add(string label, string name) =>
        Assert.Equal(name, GpuCatalogue.Find(label)?.Name);

    [Theory]
    [InlineData("")]
    [InlineData("NVIDIA")]
    [InlineData("Tesla")]
    [InlineData("NVIDIA-A100")]
    [InlineData("NVIDIA-A1000")]
    [InlineData("NVIDIA-GH200-480GB")]
    [InlineData("NVIDIA-RTX-A4000")]
    [InlineData("NVIDIA-T400")]
    [InlineData("AMD-Instinct-MI300X")]
    public void A_product_that_is_not_in_the_catalogue_is_not_found(string label) => Assert.Null(GpuCatalogue.Find(label));

    [Fact]
    public void Every_name_finds_its_own_product()
    {
        foreach (var product in GpuCatalogue.Products)
        {
            foreach (var name in product.Names)
            {
                foreach (var suffix in new[] { "", "-SHARED", "-MIG-1g.5gb", "-MIG-3g.40gb-SHARED" })
                {
                    Assert.Same(product, GpuCatalogue.Find(name + suffix));
                }
            }
        }
    }

    [Fact]
    public void Every_machine_has_a_different_number_of_GPUs_and_more_than_one()
    {
        foreach (var product in GpuCatalogue.Products)
        {
            Assert.Equal(product.Machines.Length, product.Machines.Select(m => m.GpuCount).Distinct().Count());
            Assert.All(product.Machines, m => Assert.InRange(m.GpuCount, 2, 16));
            Assert.Null(product.MachineWith(1));
        }
    }

    [Theory]
    [InlineData("NVIDIA-GB200", "1g.24gb", "1g.23gb")]
    [InlineData("NVIDIA-GB200", "1g.24gb.me", "1g.23gb.me")]
    [InlineData("NVIDIA-GB200", "1g.48gb", "1g.47gb")]
    [InlineData("NVIDIA-B200", "7g.183gb", "7g.180gb")]
    [InlineData("NVIDIA-A100-SXM4-40GB", "1g.10gb", "1g.10gb")]
    [InlineData("NVIDIA-A100-SXM4-80GB", "1g.10gb", "1g.10gb")]
    [InlineData("NVIDIA-A100-SXM4-40GB", "1g.20gb", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", "5g.20gb", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", "3g.20gb.me", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", "", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", "g.gb", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", "1g.gb", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", "1g.0gb", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", "1g.99999999999gb", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", ".me", null)]
    [InlineData("NVIDIA-A100-SXM4-40GB", "1g.5gb.shared", null)]
    public void A_profile_name_that_drifted_means_the_nearest_of_its_kind(string product, string name, string? meant)
    {
        var geometry = GpuCatalogue.Find(product)!.Mig!;
        var index = geometry.IndexOf(name);
        Assert.Equal(meant, index < 0 ? null : geometry.Profiles[index].Name);
    }
}
