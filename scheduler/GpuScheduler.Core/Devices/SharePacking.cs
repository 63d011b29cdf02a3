namespace GpuScheduler.Core.Devices;

/// <summary>
/// What a card has to share. Free memory counts as its part of the card: a card with a quarter of its memory and half of its compute
/// left has 250 milli-GPU free to the next share.
/// </summary>
public static class SharePacking
{
    /// <summary>A whole card, in milli-GPU.</summary>
    public const int WholeCard = 1000;

    /// <summary>What is free on a card to the next share, in milli-GPU: the scarcer of compute and memory; 0 when more is shared out than there is.</summary>
    public static int Free(int freeMilli, int freeMemoryMiB, int memoryMiB) =>
        (int)Math.Max(0, memoryMiB <= 0 ? freeMilli : Math.Min(freeMilli, (long)freeMemoryMiB * WholeCard / memoryMiB));
}
