namespace GpuScheduler.Testing;

/// <summary>A card to share, as far as the choice goes.</summary>
/// <param name="MemoryMiB">Memory of the card, 0 when unknown.</param>
/// <param name="FreeMemoryMiB">Memory not shared out.</param>
/// <param name="FreeMilli">Compute not shared out.</param>
/// <param name="Idle">Nobody uses it.</param>
public readonly record struct ShareCard(int MemoryMiB, int FreeMemoryMiB, int FreeMilli, bool Idle);

/// <summary>Which cards a share goes to, from the definition: sliver growth, then least left, then number; idle cards last.</summary>
public static class ShareOracle
{
    private static readonly int[] s_usual = [100, 125, 250, 300, 500, 750, 1000];

    private static readonly Dictionary<int, int> s_sellable = [];

    /// <summary>The part of so much free compute that no sum of usual shares uses up.</summary>
    public static int Sliver(int free)
    {
        lock (s_sellable)
        {
            return free - Sellable(free);
        }
    }

    /// <summary>What a card has free to the next share: the scarcer of compute and memory, in thousandths.</summary>
    public static int Free(ShareCard card, int lessMemory = 0, int lessMilli = 0)
    {
        var milli = card.FreeMilli - lessMilli;
        return card.MemoryMiB <= 0 ? milli : (int)Math.Min(milli, Math.Floor((card.FreeMemoryMiB - lessMemory) * 1000m / card.MemoryMiB));
    }

    /// <summary>The cards, by number; null when there are too few that fit.</summary>
    public static int[]? Choose(IReadOnlyList<ShareCard> cards, int count, int memoryMiB, int milli)
    {
        var fitting = Enumerable.Range(0, cards.Count).Where(i => cards[i].FreeMemoryMiB >= memoryMiB && cards[i].FreeMilli >= milli).ToList();
        if (fitting.Count < count)
        {
            return null;
        }

        return
        [
            .. fitting
                .OrderBy(i => cards[i].Idle)
                .ThenBy(i => Sliver(Free(cards[i], memoryMiB, milli)) - Sliver(Free(cards[i])))
                .ThenBy(i => Free(cards[i], memoryMiB, milli))
                .ThenBy(i => i)
                .Take(count)
                .Order(),
        ];
    }

    private static int Sellable(int free)
    {
        if (s_sellable.TryGetValue(free, out var known))
        {
            return known;
        }

        var most = 0;
        foreach (var share in s_usual)
        {
            if (share <= free)
            {
                most = Math.Max(most, share + Sellable(free - share));
            }
        }

        return s_sellable[free] = most;
    }
}
