using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// A kind of MIG device (GPU instance) of one product: how many memory slices it takes and where it may start. Slices and starts
/// are in memory-slice units, as NVML's nvmlGpuInstancePlacement_t and nvidia-smi mig -lgipp give them.
/// </summary>
/// <param name="Name">Name as in the resource name: 1g.10gb, 1g.10gb.me.</param>
/// <param name="ComputeSlices">Compute slices.</param>
/// <param name="MemorySlices">Memory slices: the length of the interval that an instance takes.</param>
/// <param name="Starts">Memory slices at which an instance may start, ascending.</param>
/// <param name="MaxInstances">Most instances on one GPU.</param>
/// <param name="MemoryMiB">Memory of an instance, in MiB.</param>
public sealed record MigProfile(string Name, int ComputeSlices, int MemorySlices, ImmutableArray<int> Starts, int MaxInstances, int MemoryMiB)
{
    /// <summary>True for the profiles with media extensions, of which a GPU can have one.</summary>
    public bool HasMediaExtensions => Name.EndsWith(".me", StringComparison.Ordinal);

    /// <summary>The slices that an instance takes from a start, as bits.</summary>
    public byte MaskAt(int start) => (byte)(((1 << MemorySlices) - 1) << start);
}
