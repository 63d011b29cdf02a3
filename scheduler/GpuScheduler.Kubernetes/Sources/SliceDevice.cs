using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>A whole GPU or a MIG device of NVIDIA's DRA driver.</summary>
internal sealed record SliceDevice
{
    /// <summary>Its name, unique in its pool.</summary>
    public required string Name { get; init; }

    /// <summary>Minor number of the GPU.</summary>
    public required int Minor { get; init; }

    /// <summary>UUID of the GPU: its own, or that of the GPU on which the MIG device lies.</summary>
    public required string GpuUuid { get; init; }

    /// <summary>Where the MIG device lies; null for a whole GPU.</summary>
    public MigPlacement? Mig { get; init; }

    /// <summary>UUID of a MIG device that exists; null for a whole GPU, and for a place where one could be made.</summary>
    public string? MigUuid { get; init; }

    /// <summary>Product in the form of GPU Feature Discovery's label, or null.</summary>
    public string? Product { get; init; }

    /// <summary>Memory of a whole GPU in MiB; 0 when unknown.</summary>
    public int MemoryMiB { get; init; }

    /// <summary>NUMA node, or -1.</summary>
    public int NumaNode { get; init; } = -1;

    /// <summary>PCI bus id, or null.</summary>
    public string? PciBusId { get; init; }

    /// <summary>Root of its PCIe tree, or null.</summary>
    public string? PcieRoot { get; init; }

    /// <summary>The taint that keeps new pods off it, or null.</summary>
    public string? Taint { get; init; }
}
