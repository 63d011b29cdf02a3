using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>How a GPU is cut.</summary>
public enum MigMode
{
    /// <summary>Not cut: offered whole or shared.</summary>
    Disabled,

    /// <summary>Cut into the instances listed; nothing else can be placed.</summary>
    Fixed,

    /// <summary>Instances are made on demand, at any legal placement.</summary>
    OnDemand,
}

/// <summary>A MIG device that exists on a GPU.</summary>
/// <param name="Placement">Its profile and interval.</param>
/// <param name="Uuid">UUID (MIG-…), or null when unknown.</param>
public sealed record MigInstance(MigPlacement Placement, string? Uuid);

/// <summary>What is known of one GPU of a node. Who uses it is not among it. Equal by content.</summary>
public sealed record GpuInfo
{
    /// <summary>Index on its node, as the driver counts (0-based).</summary>
    public required int Index { get; init; }

    /// <summary>UUID (GPU-…), or null when unknown.</summary>
    public string? Uuid { get; init; }

    /// <summary>Memory in MiB; 0 when unknown.</summary>
    public int MemoryMiB { get; init; }

    /// <summary>False when it was reported unhealthy: it is not offered.</summary>
    public bool Healthy { get; init; } = true;

    /// <summary>Why it is unhealthy; null when it is healthy or nothing was said.</summary>
    public string? HealthReason { get; init; }

    /// <summary>NUMA node, or -1 when unknown.</summary>
    public int NumaNode { get; init; } = -1;

    /// <summary>PCI bus id, or null when unknown.</summary>
    public string? PciBusId { get; init; }

    /// <summary>How it is cut.</summary>
    public MigMode Mig { get; init; }

    /// <summary>The MIG devices that exist on it; empty unless <see cref="Mig"/> is Fixed.</summary>
    public ImmutableArray<MigInstance> Instances { get; init; } = [];

    /// <inheritdoc/>
    public bool Equals(GpuInfo? other) =>
        other is not null && Index == other.Index && Uuid == other.Uuid && MemoryMiB == other.MemoryMiB && Healthy == other.Healthy
        && HealthReason == other.HealthReason && NumaNode == other.NumaNode && PciBusId == other.PciBusId && Mig == other.Mig
        && Instances.SequenceEqual(other.Instances);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Index, Uuid, MemoryMiB, Healthy, HealthReason, Mig, Instances.Length);
}
