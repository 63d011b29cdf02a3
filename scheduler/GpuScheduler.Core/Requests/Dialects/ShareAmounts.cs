namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>
/// What containers want of each of the GPUs that they share. The containers of a pod use the same GPUs, one with fewer GPUs the first
/// of them: amounts add up, and the largest number of GPUs counts.
/// </summary>
internal readonly record struct ShareAmounts(int Count, long MemoryMiB, long MemoryPermille, long Milli, long Units)
{
    public ShareAmounts Plus(ShareAmounts other) => new(
        Math.Max(Count, other.Count), MemoryMiB + other.MemoryMiB, MemoryPermille + other.MemoryPermille, Milli + other.Milli, Units + other.Units);

    public ShareAmounts Max(ShareAmounts other) => new(
        Math.Max(Count, other.Count), Math.Max(MemoryMiB, other.MemoryMiB), Math.Max(MemoryPermille, other.MemoryPermille), Math.Max(Milli, other.Milli), Math.Max(Units, other.Units));
}
