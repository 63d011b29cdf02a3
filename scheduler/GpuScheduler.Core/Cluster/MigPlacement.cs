namespace GpuScheduler.Core.Cluster;

/// <summary>A MIG device at a place of a GPU: the memory slices [Start, Start + Size).</summary>
/// <param name="Profile">Name of the profile, as in the resource name.</param>
/// <param name="Start">First memory slice.</param>
/// <param name="Size">Number of memory slices.</param>
public readonly record struct MigPlacement(string Profile, int Start, int Size)
{
    /// <summary>The slices as bits.</summary>
    public byte Mask => (byte)(((1 << Size) - 1) << Start);
}
