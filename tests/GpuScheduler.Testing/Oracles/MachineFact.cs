using System.Globalization;
using System.Text.Json.Serialization;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Testing;

/// <summary>The interconnect of a machine as nvidia-smi topo -m prints it.</summary>
public sealed record MachineFact
{
    /// <summary>Name in the table.</summary>
    public required string Id { get; init; }

    /// <summary>Product labels of the machines that have it.</summary>
    public string[] GpuProducts { get; init; } = [];

    /// <summary>Number of GPUs.</summary>
    public required int GpuCount { get; init; }

    /// <summary>Cells: X, NV&lt;n&gt;, PIX, PXB, PHB, NODE, SYS.</summary>
    public required string[][] Matrix { get; init; }

    /// <summary>NUMA node by GPU; null where it is not shown.</summary>
    public int?[]? Numa { get; init; }

    /// <summary>True when NVLinks end at switches.</summary>
    [JsonPropertyName("nvSwitch")]
    public bool IsSwitched { get; init; }

    /// <summary>GB/s of one NVLink in one direction; null without NVLink.</summary>
    public double? NvlinkGBpsPerLinkPerDirection { get; init; }

    /// <summary>The PCIe level of the pairs for which NV&lt;n&gt; is printed in its place; null when not known.</summary>
    public string[][]? PcieUnderNvlink { get; init; }

    /// <summary>Where the facts are from.</summary>
    public required string Evidence { get; init; }

    /// <summary>True for virtual machines, which flatten PCIe and NUMA.</summary>
    public bool IsVirtual => Id is "v100-8-vm-phb" or "p3-8xlarge" or "aws-p4d" or "h100-vm";

    /// <summary>True when two GPUs are linked directly.</summary>
    public bool IsLinked(int a, int b) => Matrix[a][b].StartsWith("NV", StringComparison.Ordinal);

    /// <summary>NVLink bandwidth of a pair, in MB/s.</summary>
    public int NvlinkMBps(int a, int b) =>
        IsLinked(a, b) ? (int)(int.Parse(Matrix[a][b].AsSpan(2), CultureInfo.InvariantCulture) * NvlinkGBpsPerLinkPerDirection!.Value * 1000) : 0;

    /// <summary>PCIe level of a pair, as printed under the NVLinks where that is known, else by NUMA node.</summary>
    public PcieLevel PcieByNuma(int a, int b) =>
        PcieUnderNvlink is { } printed ? Level(printed[a][b])
        : a == b ? PcieLevel.Internal
        : Numa is { } numa && numa[a] is { } mine && numa[b] == mine ? PcieLevel.Node
        : PcieLevel.System;

    /// <summary>PCIe level of a pair, as printed wherever something is printed.</summary>
    public PcieLevel PcieAsPrinted(int a, int b) => IsLinked(a, b) ? PcieByNuma(a, b) : Level(Matrix[a][b]);

    /// <summary>The two layers.</summary>
    /// <param name="asPrinted">True for the printed PCIe levels, false for those that follow from the NUMA nodes.</param>
    public InterconnectMatrix Links(bool asPrinted = false)
    {
        var nvlink = new int[GpuCount * GpuCount];
        var pcie = new PcieLevel[GpuCount * GpuCount];
        for (var a = 0; a < GpuCount; a++)
        {
            for (var b = 0; b < GpuCount; b++)
            {
                nvlink[(a * GpuCount) + b] = NvlinkMBps(a, b);
                pcie[(a * GpuCount) + b] = asPrinted ? PcieAsPrinted(a, b) : PcieByNuma(a, b);
            }
        }

        return new InterconnectMatrix(GpuCount, nvlink, pcie);
    }

    private static PcieLevel Level(string cell) => cell switch
    {
        "X" => PcieLevel.Internal,
        "PIX" => PcieLevel.Single,
        "PXB" => PcieLevel.Multiple,
        "PHB" => PcieLevel.HostBridge,
        "NODE" => PcieLevel.Node,
        "SYS" => PcieLevel.System,
        _ => throw new ArgumentException($"\"{cell}\" is no PCIe level", nameof(cell)),
    };
}
