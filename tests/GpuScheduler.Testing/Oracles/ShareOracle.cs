namespace GpuScheduler.Testing;

/// <summary>A card to share, as far as the choice goes.</summary>
/// <param name="MemoryMiB">Memory of the card, 0 when unknown.</param>
/// <param name="FreeMemoryMiB">Memory not shared out.</param>
/// <param name="FreeMilli">Compute not shared out.</param>
/// <param name="Idle">Nobody uses it.</param>
public readonly record struct ShareCard(int MemoryMiB, int FreeMemoryMiB, int FreeMilli, bool Idle);

/// <summary>Which cards a share goes to where no policy says otherwise, from the definition: the least left, then the lowest number.</summary>
public static class ShareOracle
{
    /// <summary>What a card has free to the next share: the scarcer of compute and memory, in thousandths.</summary>
    public static int Free(ShareCard card) =>
        card.MemoryMiB <= 0 ? card.FreeMilli : (int)Math.Min(card.FreeMilli, Math.Floor(card.FreeMemoryMiB * 1000m / card.MemoryMiB));

    /// <summary>The cards, by number; null when there are too few that fit.</summary>
    public static int[]? Choose(IReadOnlyList<ShareCard> cards, int count, int memoryMiB, int milli)
    {
        var fitting = Enumerable.Range(0, cards.Count).Where(i => cards[i].FreeMemoryMiB >= memoryMiB && cards[i].FreeMilli >= milli).ToList();
        return fitting.Count < count ? null : [.. fitting.OrderBy(i => Free(cards[i])).ThenBy(i => i).Take(count).Order()];
    }
}
