using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// What one source says of a node's GPUs, whichever form it has at that source. What is not said is unknown, and asked of the next
/// source. Equal by content.
/// </summary>
/// <param name="Source">The source.</param>
/// <param name="Gpus">The GPUs by ascending number; empty when the source does not list any.</param>
public sealed record NodeStatement(FactSource Source, ImmutableArray<GpuStatement> Gpus)
{
    /// <summary>NVLink bandwidth between the GPUs, in the order of <see cref="Gpus"/>; null when unknown. The PCIe layer of it does not count.</summary>
    public InterconnectMatrix? Nvlink { get; init; }

    /// <summary>PCIe distance between the GPUs, in the order of <see cref="Gpus"/>; null when unknown. The NVLink layer of it does not count.</summary>
    public InterconnectMatrix? Pcie { get; init; }

    /// <summary>The NVLink domain above the node (cluster UUID and clique), or null when unknown.</summary>
    public string? NvlinkDomain { get; init; }

    /// <summary>
    /// UUIDs of GPUs that must not be handed out. That is an operator's order and no observation, so that it holds whatever a stronger
    /// source says of health.
    /// </summary>
    public ImmutableArray<string> Cordoned { get; init; } = [];

    /// <summary>What of the source could not be used, in words for the operator.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>True when the source says which GPUs there are. Of a report that holds for none, too; the others are silent then.</summary>
    public bool ListsGpus => Source == FactSource.Report || !Gpus.IsEmpty;

    /// <summary>A source that cannot be used, and why.</summary>
    public static NodeStatement Unusable(FactSource source, string why) => new(source, []) { Warnings = [why] };

    /// <summary>A node report in this form.</summary>
    public static NodeStatement Of(NodeReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var gpus = report.Gpus.Select(gpu => new GpuStatement
        {
            Number = gpu.Index,
            Uuid = gpu.Uuid,
            MemoryMiB = gpu.MemoryMiB,
            Healthy = gpu.Healthy,
            HealthReason = gpu.HealthReason,
            NumaNode = gpu.NumaNode,
            PciBusId = gpu.PciBusId,
            Mig = gpu.Mig,
            Instances = gpu.Instances,
        });
        return new NodeStatement(FactSource.Report, [.. gpus]) { Nvlink = report.Links, Pcie = report.Links, NvlinkDomain = report.NvlinkDomain };
    }

    /// <summary>
    /// PCIe distances as far as roots and NUMA nodes tell them: under one root at most a host bridge apart, in one NUMA node NODE, else
    /// SYS. Null unless all NUMA nodes are known, or all roots and two GPUs share one: distances that are all the same say nothing.
    /// </summary>
    public static InterconnectMatrix? PcieBetween(ImmutableArray<GpuStatement> gpus)
    {
        var count = gpus.Length;
        var byNode = gpus.All(g => g.NumaNode >= 0);
        var byRoot = gpus.All(g => g.PcieRoot is not null) && gpus.Select(g => g.PcieRoot).Distinct(StringComparer.Ordinal).Count() < count;
        if (count < 2 || count > InterconnectMatrix.MostGpus || !(byNode || byRoot))
        {
            return null;
        }

        var levels = new PcieLevel[count * count];
        for (var a = 0; a < count; a++)
        {
            for (var b = 0; b < count; b++)
            {
                levels[(a * count) + b] =
                    gpus[a].PcieRoot is { } root && root == gpus[b].PcieRoot ? PcieLevel.HostBridge
                    : byNode && gpus[a].NumaNode == gpus[b].NumaNode ? PcieLevel.Node
                    : PcieLevel.System;
            }
        }

        return new InterconnectMatrix(count, new int[count * count], levels);
    }

    /// <inheritdoc/>
    public bool Equals(NodeStatement? other) =>
        other is not null && Source == other.Source && NvlinkDomain == other.NvlinkDomain && Equals(Nvlink, other.Nvlink) && Equals(Pcie, other.Pcie)
        && Gpus.SequenceEqual(other.Gpus) && Cordoned.SequenceEqual(other.Cordoned, StringComparer.Ordinal) && Warnings.SequenceEqual(other.Warnings, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Source, Gpus.Length, Nvlink, Pcie, NvlinkDomain, Cordoned.Length, Warnings.Length);
}
