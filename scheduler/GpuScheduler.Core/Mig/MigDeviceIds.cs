using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Mig;

/// <summary>
/// PCI device ids of products with MIG, by which mig-parted's configurations tell them apart (device-filter). From the configurations that
/// mig-parted ships and the PCI ID repository.
/// </summary>
internal static class MigDeviceIds
{
    private static readonly Dictionary<string, ImmutableArray<string>> s_ids = new(StringComparer.Ordinal)
    {
        ["NVIDIA-A30"] = ["0x20B710DE"],
        ["NVIDIA-A100-SXM4-40GB"] = ["0x20B010DE"],
        ["NVIDIA-A100-PCIE-40GB"] = ["0x20F110DE"],
        ["NVIDIA-A100-SXM4-80GB"] = ["0x20B210DE"],
        ["NVIDIA-A100-80GB-PCIe"] = ["0x20B510DE"],
        ["NVIDIA-H100-80GB-HBM3"] = ["0x233010DE"],
        ["NVIDIA-H100-PCIe"] = ["0x233110DE"],
        ["NVIDIA-H100-NVL"] = ["0x232110DE"],
        ["NVIDIA-H200"] = ["0x233510DE"],
        ["NVIDIA-H200-NVL"] = ["0x233B10DE"],
        ["NVIDIA-B200"] = ["0x290110DE"],
        ["NVIDIA-GB200"] = ["0x294110DE"],
        ["NVIDIA-GB300"] = ["0x31C210DE"],
    };

    /// <summary>The ids of a product; none when they are not known.</summary>
    public static ImmutableArray<string> Of(GpuProduct product) => s_ids.GetValueOrDefault(product.Name, []);
}
