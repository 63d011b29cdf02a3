namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>
/// What containers want of each of the GPUs that they share. The containers of a pod use the same GPUs, one with fewer GPUs the first
/// of them: amounts add up, and the largest number of GPUs counts.
/// </summary>
internal sealed record ShareAmounts(int Count, long MemoryMiB, long MemoryPermille, long Milli, long Units)
{
    /// <summary>Both together; null is nothing.</summary>
    public static ShareAmounts? Sum(ShareAmounts? a, ShareAmounts? b) => a is null ? b : b is null ? a : a.Plus(b);

    /// <summary>The larger of both in everything; null is nothing.</summary>
    public static ShareAmounts? Largest(ShareAmounts? a, ShareAmounts? b) => a is null ? b : b is null ? a : a.Max(b);

    private ShareAmounts Plus(ShareAmounts other) => new(
        Math.Max(Count, other.Count), MemoryMiB + other.MemoryMiB, MemoryPermille + other.MemoryPermille, Milli + other.Milli, Units + other.Units);

    private ShareAmounts Max(ShareAmounts other) => new(
        Math.Max(Count, other.Count), Math.Max(MemoryMiB, other.MemoryMiB), Math.Max(MemoryPermille, other.MemoryPermille), Math.Max(Milli, other.Milli), Math.Max(Units, other.Units));
}
