namespace GpuScheduler.Core.Devices;

/// <summary>
/// Which card a share goes to: the one on which it leaves the smallest useless sliver.
/// </summary>
/// <remarks>
/// The sliver of a card with r milli-GPU free is r less the most that can be handed out of it in usual shares (an unbounded
/// knapsack over <see cref="UsualShares"/>), so that a remainder of 70 is all sliver and one of 350 none. Among cards with the same
/// growth of sliver, the one with the least left is taken (best fit), then the lowest number. Free memory counts as its part of the
/// card: a card with a quarter of its memory and half of its compute left has 250 milli-GPU free to the next share.
/// </remarks>
public static class SharePacking
{
    /// <summary>A whole card, in milli-GPU.</summary>
    public const int WholeCard = 1000;

    private static readonly short[] s_sliver = Slivers();

    /// <summary>The shares that later requests are expected to have, in milli-GPU.</summary>
    public static ReadOnlySpan<int> UsualShares => [100, 125, 250, 300, 500, 750, 1000];

    /// <summary>The useless part of so much free milli-GPU.</summary>
    public static int Sliver(int freeMilli) => s_sliver[Math.Clamp(freeMilli, 0, WholeCard)];

    /// <summary>By how much the useless part grows when the free milli-GPU of a card go from one amount to another; may be negative.</summary>
    public static int SliverGrowth(int before, int after) => Sliver(after) - Sliver(before);

    /// <summary>What is free on a card to the next share, in milli-GPU: the scarcer of compute and memory; 0 when more is shared out than there is.</summary>
    public static int Free(int freeMilli, int freeMemoryMiB, int memoryMiB) =>
        (int)Math.Max(0, memoryMiB <= 0 ? freeMilli : Math.Min(freeMilli, (long)freeMemoryMiB * WholeCard / memoryMiB));

    private static short[] Slivers()
    {
        var slivers = new short[WholeCard + 1];
        var filled = new int[WholeCard + 1];
        for (var free = 1; free <= WholeCard; free++)
        {
            foreach (var share in UsualShares)
            {
                if (share <= free)
                {
                    filled[free] = Math.Max(filled[free], share + filled[free - share]);
                }
            }

            slivers[free] = (short)(free - filled[free]);
        }

        return slivers;
    }
}
