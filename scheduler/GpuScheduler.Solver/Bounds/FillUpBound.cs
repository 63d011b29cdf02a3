namespace GpuScheduler.Solver.Bounds;

/// <summary>
/// How much GPU any placement could have allocated of pods that arrived in a given order, on given cards, when none ever leaves.
/// </summary>
/// <remarks>
/// <para>
/// A relaxation: cards are filled by patterns (parts that fit on one card together), and the number of cards of each pattern may be a
/// fraction. CPU, memory, models, links and which cards share a node are ignored, and so is that a pod is placed whole or not at all.
/// What is left of the bound is therefore out of reach for every policy, online or not, while the bound itself may be out of reach too.
/// </para>
/// <para>
/// The answer is proven in whole numbers (see <see cref="CardPatterns"/>): what the linear optimizer returns decides how good it is, not
/// whether it is true.
/// </para>
/// </remarks>
public sealed class FillUpBound
{
    /// <summary>A whole card, in milli-GPU.</summary>
    private const int WholeCard = Core.Devices.SharePacking.WholeCard;

    private readonly CardClass[] _cards;
    private readonly FillUpPart[] _parts;

    /// <summary>Looks at cards and arrivals.</summary>
    /// <param name="freeMilli">What is free on each card before the first arrival, in milli-GPU: 0 to 1000.</param>
    /// <param name="parts">What arrives, in any order. CPU-only pods have no part.</param>
    /// <exception cref="ArgumentException">A card or part is not within its limits.</exception>
    public FillUpBound(IEnumerable<int> freeMilli, IEnumerable<FillUpPart> parts)
    {
        ArgumentNullException.ThrowIfNull(freeMilli);
        ArgumentNullException.ThrowIfNull(parts);
        _cards = [.. freeMilli.Where(f => f != 0).GroupBy(f => f).OrderByDescending(g => g.Key).Select(g => new CardClass(g.Key, g.LongCount()))];
        _parts = [.. parts];
        if (_cards.Any(c => c.FreeMilli is < 0 or > WholeCard))
        {
            throw new ArgumentException($"from 0 to {WholeCard} milli-GPU of a card may be free", nameof(freeMilli));
        }

        if (_parts.Any(p => p.Arrival < 0 || p.Cards < 1 || p.Milli is < 1 or > WholeCard))
        {
            throw new ArgumentException($"a part has an arrival from 0, at least one card, and 1 to {WholeCard} milli-GPU of it", nameof(parts));
        }
    }

    /// <summary>
    /// What no placement exceeds, whichever of the arrived pods it places and whichever it leaves.
    /// </summary>
    /// <param name="arrived">How many pods have arrived.</param>
    /// <returns>Allocated GPU in milli-GPU, beside what was not free to begin with.</returns>
    public long Absolute(int arrived) => Conditional(arrived, 0);

    /// <summary>
    /// What no placement exceeds that has placed every pod on shared cards among the first arrivals. Later ones, and those that take
    /// cards whole, may be left.
    /// </summary>
    /// <remarks>
    /// A policy that has refused no shared pod before arrival number <paramref name="placedBefore"/> is such a placement, and the bound
    /// holds for it. It does not hold for one that refused a shared pod earlier: leaving small pods makes room for whole cards. When the
    /// shared pods cannot all be placed there is no such placement, and the number means nothing.
    /// </remarks>
    /// <param name="arrived">How many pods have arrived.</param>
    /// <param name="placedBefore">The shared pods among so many first arrivals are placed.</param>
    /// <returns>Allocated GPU in milli-GPU, beside what was not free to begin with.</returns>
    public long Conditional(int arrived, int placedBefore)
    {
        var items = _parts.Where(p => p.Arrival < arrived)
            .GroupBy(p => p.Milli)
            .OrderByDescending(g => g.Key)
            .Select(g => new CardItem(g.Key, g.Key == WholeCard ? 0 : g.Sum(p => p.Arrival < placedBefore ? (long)p.Cards : 0), g.Sum(p => (long)p.Cards)));
        return CardProgram.UpperBound(_cards, [.. items]);
    }
}
