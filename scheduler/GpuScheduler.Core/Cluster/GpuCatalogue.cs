using System.Collections.Immutable;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// What is built in about NVIDIA products: memory, MIG profiles and placements, and the interconnect of known machines. It is the
/// last resort: labels and node reports override it.
/// </summary>
/// <remarks>
/// Sources. MIG geometry: nvidia-smi mig -lgipp on A30, A100 40 and 80 GB, H100 80 GB and H100 NVL (measured); the same geometry
/// on H200, B200, GB200 and GB300 by NVIDIA's MIG User Guide and its mock NVML tables. (The tables in go-nvml's mock packages give
/// 3g three memory slices and 7g seven, which no real GPU does; they are not used.) Interconnects: nvidia-smi topo -m of the
/// machines named below. Bandwidth per NVLink and direction: 20 GB/s (NVLink 1), 25 GB/s (2 to 4), 53.125 GB/s (5).
/// PCIe cards may or may not have bridges: the bridged layouts are those of the machines measured, and a node report says better.
/// </remarks>
public static class GpuCatalogue
{
    private const int Nvlink1 = 20_000;
    private const int Nvlink2 = 25_000;
    private const int Nvlink3 = 25_000;
    private const int Nvlink4 = 25_000;
    private const int Nvlink5 = 53_125;

    /// <summary>Most labels of which the product is remembered.</summary>
    private const int MostLabels = 4096;

    private static readonly BoundedMemo<string, GpuProduct?> s_byLabel = new(Named, MostLabels);

    /// <summary>Every product in the catalogue.</summary>
    public static ImmutableArray<GpuProduct> Products { get; } =
    [
        new(["NVIDIA-A30"], 24_576, A30(), []),
        new(["NVIDIA-A100-SXM4-40GB"], 40_960, SevenSlices(("1g.5gb", 4_864), ("1g.10gb", 9_856), ("2g.10gb", 9_856), ("3g.20gb", 19_968), ("4g.20gb", 19_968), ("7g.40gb", 40_192)), Switched(12 * Nvlink3, 2)),
        new(["NVIDIA-A100-SXM4-80GB"], 81_920, A100With80GB(), Switched(12 * Nvlink3, 2)),
        new(["NVIDIA-A100-PCIE-40GB"], 40_960, SevenSlices(("1g.5gb", 4_864), ("1g.10gb", 9_856), ("2g.10gb", 9_856), ("3g.20gb", 19_968), ("4g.20gb", 19_968), ("7g.40gb", 40_192)), A100Bridged()),
        new(["NVIDIA-A100-80GB-PCIe", "NVIDIA-A100-PCIE-80GB"], 81_920, A100With80GB(), A100Bridged()),
        new(["NVIDIA-H100-80GB-HBM3"], 81_559, H100(), Switched(18 * Nvlink4, 4)),
        new(["NVIDIA-H100-PCIe"], 81_559, H100(), [TwoSockets(8)]),
        new(["NVIDIA-H100-NVL"], 95_830, SevenSlices(("1g.12gb", 11_008), ("1g.24gb", 22_139), ("2g.24gb", 22_139), ("3g.47gb", 47_493), ("4g.47gb", 47_493), ("7g.94gb", 95_355)), []),
        new(["NVIDIA-H200"], 143_771, H200(), Switched(18 * Nvlink4, 4)),
        new(["NVIDIA-H200-NVL"], 143_771, H200(), []),
        new(["NVIDIA-B200"], 183_359, SevenSlices(("1g.23gb", 20_992), ("1g.45gb", 45_312), ("2g.45gb", 45_312), ("3g.90gb", 92_160), ("4g.90gb", 92_160), ("7g.180gb", 184_320)), Switched(18 * Nvlink5, 4)),
        new(["NVIDIA-GB200"], 189_471, SevenSlices(("1g.23gb", 22_528), ("1g.47gb", 46_592), ("2g.47gb", 46_592), ("3g.93gb", 95_232), ("4g.93gb", 95_232), ("7g.186gb", 190_464)), [Switch(4, 18 * Nvlink5, 2)]),
        new(["NVIDIA-GB300"], 284_208, SevenSlices(("1g.35gb", 35_584), ("1g.70gb", 71_168), ("2g.70gb", 71_168), ("3g.139gb", 142_336), ("4g.139gb", 142_336), ("7g.278gb", 284_672)), [Switch(4, 18 * Nvlink5, 2)]),
        new(["Tesla-V100-SXM2-16GB"], 16_160, null, V100Cubes()),
        new(["Tesla-V100-SXM2-32GB"], 32_510, null, V100Cubes()),
        new(["Tesla-V100-SXM3-32GB"], 32_510, null, [Switch(16, 6 * Nvlink2, 8)]),
        new(["Tesla-V100-PCIE-16GB"], 16_160, null, []),
        new(["Tesla-V100-PCIE-32GB"], 32_510, null, []),
        new(["Tesla-P100-SXM2-16GB"], 16_280, null, [Dgx1WithP100()]),
        new(["Tesla-P100-PCIE-16GB"], 16_280, null, []),
        new(["Tesla-T4"], 15_360, null, []),
        new(["NVIDIA-L4"], 23_034, null, []),
        new(["NVIDIA-L40S"], 46_068, null, [TwoSockets(8)]),
        new(["NVIDIA-L40"], 46_068, null, [TwoSockets(8)]),
        new(["NVIDIA-A10"], 23_028, null, []),
        new(["NVIDIA-A10G"], 23_028, null, []),
        new(["NVIDIA-A40"], 46_068, null, []),
        new(["NVIDIA-A16"], 15_356, null, []),
    ];

    /// <summary>
    /// The product that a label of GPU Feature Discovery means, or null. What it appends for time-slicing (-SHARED) and for the
    /// single MIG strategy (-MIG-1g.5gb) is passed over, and so is a missing or additional vendor word.
    /// </summary>
    public static GpuProduct? Find(string productLabel)
    {
        ArgumentNullException.ThrowIfNull(productLabel);
        return s_byLabel[productLabel];
    }

    private static GpuProduct? Named(string label)
    {
        GpuProduct? best = null;
        var bestLength = 0;
        foreach (var product in Products)
        {
            foreach (var name in product.Names)
            {
                var words = name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..];
                if (words.Length > bestLength && GpuModelMatch.Matches([words], label))
                {
                    (best, bestLength) = (product, words.Length);
                }
            }
        }

        return best;
    }

    /// <summary>A product's name as the driver gives it ("NVIDIA H100 PCIe") in the form of GPU Feature Discovery's label: dashes for blanks.</summary>
    public static string LabelOf(string driverName)
    {
        ArgumentNullException.ThrowIfNull(driverName);
        return driverName.Trim().Replace(' ', '-');
    }

    private static MigGeometry A30() => new(4,
    [
        new("1g.6gb", 1, 1, [0, 1, 2, 3], 4, 5_836),
        new("1g.6gb.me", 1, 1, [0, 1, 2, 3], 1, 5_836),
        new("2g.12gb", 2, 2, [0, 2], 2, 11_672),
        new("2g.12gb.me", 2, 2, [0, 2], 1, 11_672),
        new("4g.24gb", 4, 4, [0], 1, 23_344),
    ]);

    private static MigGeometry A100With80GB() => SevenSlices(("1g.10gb", 9_856), ("1g.20gb", 19_968), ("2g.20gb", 19_968), ("3g.40gb", 40_192), ("4g.40gb", 40_192), ("7g.80gb", 80_384));

    private static MigGeometry H100() => SevenSlices(("1g.10gb", 10_240), ("1g.20gb", 20_480), ("2g.20gb", 20_480), ("3g.40gb", 40_960), ("4g.40gb", 40_960), ("7g.80gb", 81_920));

    private static MigGeometry H200() => SevenSlices(("1g.18gb", 16_384), ("1g.35gb", 33_024), ("2g.35gb", 33_024), ("3g.71gb", 71_168), ("4g.71gb", 71_168), ("7g.141gb", 143_360));

    /// <summary>The geometry with 7 compute and 8 memory slices that all big products since A100 share.</summary>
    private static MigGeometry SevenSlices((string Name, int MiB) one, (string Name, int MiB) oneDouble, (string Name, int MiB) two, (string Name, int MiB) three, (string Name, int MiB) four, (string Name, int MiB) seven) => new(8,
    [
        new(one.Name, 1, 1, [0, 1, 2, 3, 4, 5, 6], 7, one.MiB),
        new(one.Name + ".me", 1, 1, [0, 1, 2, 3, 4, 5, 6], 1, one.MiB),
        new(oneDouble.Name, 1, 2, [0, 2, 4, 6], 4, oneDouble.MiB),
        new(two.Name, 2, 2, [0, 2, 4], 3, two.MiB),
        new(three.Name, 3, 4, [0, 4], 2, three.MiB),
        new(four.Name, 4, 4, [0], 1, four.MiB),
        new(seven.Name, 7, 8, [0], 1, seven.MiB),
    ]);

    /// <summary>Machines of 2 to 8 GPUs behind NVSwitch; virtual machines get 2 or 4 of the 8 with all their links.</summary>
    private static ImmutableArray<InterconnectMatrix> Switched(int mbps, int gpusPerNuma) =>
        [.. Enumerable.Range(2, 7).Select(n => Switch(n, mbps, gpusPerNuma))];

    /// <summary>Every pair linked at the same speed; so many neighbours share a NUMA node (DGX A100: 2, DGX H100: 4, DGX-2: 8).</summary>
    private static InterconnectMatrix Switch(int gpus, int mbps, int gpusPerNuma) =>
        Build(gpus, (_, _) => mbps, (a, b) => a / gpusPerNuma == b / gpusPerNuma ? PcieLevel.Node : PcieLevel.System);

    /// <summary>No links, the GPUs split over two sockets.</summary>
    private static InterconnectMatrix TwoSockets(int gpus) =>
        Build(gpus, (_, _) => 0, (a, b) => a / ((gpus + 1) / 2) == b / ((gpus + 1) / 2) ? PcieLevel.Node : PcieLevel.System);

    /// <summary>A100 PCIe in pairs over three bridges (NV12): four GPUs as (0,1) (2,3), eight as (0,2) (1,3) (4,5) (6,7).</summary>
    private static ImmutableArray<InterconnectMatrix> A100Bridged()
    {
        int[] mates4 = [1, 0, 3, 2];
        int[] mates8 = [2, 3, 0, 1, 5, 4, 7, 6];
        return
        [
            Build(4, (a, b) => mates4[a] == b ? 12 * Nvlink3 : 0, (a, b) => a / 2 == b / 2 ? PcieLevel.Node : PcieLevel.System),
            Build(8, (a, b) => mates8[a] == b ? 12 * Nvlink3 : 0, (a, b) => a / 4 == b / 4 ? PcieLevel.Node : PcieLevel.System),
        ];
    }

    /// <summary>The hybrid cube mesh of DGX-1 (8 GPUs) and its half (p3.8xlarge, 4 GPUs).</summary>
    private static ImmutableArray<InterconnectMatrix> V100Cubes()
    {
        string[] links =
        [
            "01122000",
            "10210200",
            "12020010",
            "21200001",
            "20000112",
            "02001021",
            "00101202",
            "00012120",
        ];
        return
        [
            Build(8, (a, b) => (links[a][b] - '0') * Nvlink2, (a, b) => a / 2 == b / 2 ? PcieLevel.Single : a / 4 == b / 4 ? PcieLevel.HostBridge : PcieLevel.System),
            Build(4, (a, b) => (links[a][b] - '0') * Nvlink2, (_, _) => PcieLevel.System),
        ];
    }

    private static InterconnectMatrix Dgx1WithP100() => Build(
        8,
        (a, b) => a / 4 == b / 4 || a % 4 == b % 4 ? Nvlink1 : 0,
        (a, b) => a / 4 != b / 4 ? PcieLevel.System : a % 2 == b % 2 ? PcieLevel.Single : PcieLevel.HostBridge);

    private static InterconnectMatrix Build(int gpus, Func<int, int, int> mbps, Func<int, int, PcieLevel> pcie)
    {
        var nvlink = new int[gpus * gpus];
        var levels = new PcieLevel[gpus * gpus];
        for (var a = 0; a < gpus; a++)
        {
            for (var b = 0; b < gpus; b++)
            {
                nvlink[(a * gpus) + b] = a == b ? 0 : mbps(a, b);
                levels[(a * gpus) + b] = a == b ? PcieLevel.Internal : pcie(a, b);
            }
        }

        return new InterconnectMatrix(gpus, nvlink, levels);
    }
}
