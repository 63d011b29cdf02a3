using System.Collections.Immutable;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>A part of a pool of devices.</summary>
/// <param name="Name">Name of the object.</param>
/// <param name="Node">The node that has the devices; empty for slices that do not matter here.</param>
/// <param name="Pool">Name of the pool.</param>
/// <param name="Generation">Generation of the pool: only the newest counts.</param>
/// <param name="Slices">How many slices the pool has in this generation.</param>
/// <param name="Devices">The whole GPUs and MIG devices in it.</param>
internal sealed record ResourceSlice(string Name, string Node, string Pool, long Generation, long Slices, ImmutableArray<SliceDevice> Devices)
{
    /// <summary>Why it cannot be used, or null.</summary>
    public string? Problem { get; init; }
}
