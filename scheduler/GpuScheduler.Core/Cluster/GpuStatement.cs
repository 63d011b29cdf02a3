using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>What one source says of one GPU. What it does not say is unknown. Equal by content.</summary>
public sealed record GpuStatement
{
    /// <summary>The number that the source gives it (index or minor): only their order counts.</summary>
    public required int Number { get; init; }

    /// <summary>UUID (GPU-…), or null when unknown.</summary>
    public string? Uuid { get; init; }

    /// <summary>Product in the form of GPU Feature Discovery's label (<see cref="GpuCatalogue.LabelOf"/>), or null when unknown.</summary>
    public string? Product { get; init; }

    /// <summary>Memory in MiB; 0 when unknown.</summary>
    public int MemoryMiB { get; init; }

    /// <summary>Null when the source does not speak of health.</summary>
    public bool? Healthy { get; init; }

    /// <summary>Why it is unhealthy, or null.</summary>
    public string? HealthReason { get; init; }

    /// <summary>NUMA node, or -1 when unknown.</summary>
    public int NumaNode { get; init; } = -1;

    /// <summary>PCI bus id, or null when unknown.</summary>
    public string? PciBusId { get; init; }

    /// <summary>The root of the PCIe tree that it hangs on, unique on its node; null when unknown.</summary>
    public string? PcieRoot { get; init; }

    /// <summary>How it is cut; null when unknown.</summary>
    public MigMode? Mig { get; init; }

    /// <summary>The MIG devices that exist on it; empty unless <see cref="Mig"/> is Fixed.</summary>
    public ImmutableArray<MigInstance> Instances { get; init; } = [];

    /// <inheritdoc/>
    public bool Equals(GpuStatement? other) =>
        other is not null && Number == other.Number && Uuid == other.Uuid && Product == other.Product && MemoryMiB == other.MemoryMiB
        && Healthy == other.Healthy && HealthReason == other.HealthReason && NumaNode == other.NumaNode && PciBusId == other.PciBusId
        && PcieRoot == other.PcieRoot && Mig == other.Mig && Instances.SequenceEqual(other.Instances);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Number, Uuid, Product, MemoryMiB, Healthy, NumaNode, Mig, Instances.Length);
}
