using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Demand;

/// <summary>
/// How much of what is free on a card will most likely stay free, in milli-GPU, by what is free. Two views are added: what stays
/// free when the shares to come are packed as well as can be (<see cref="CuttingStock"/>), and, at half its weight, what stays when
/// they come at random. The first says which remainders are good ones; the second orders those that are equally good, by how soon
/// they are filled.
/// </summary>
/// <remarks>
/// It is less than 0 for a remainder that is worth more than its size: where every share of 600 costs a card, 600 that are free beside
/// something else save one.
/// </remarks>
internal sealed class CardWaste
{
    /// <summary>Weight of the random view.</summary>
    private const double Random = 0.5;

    /// <summary>Most sizes that the cutting-stock problem is solved for: the most frequent ones.</summary>
    private const int MostSizes = 64;

    private readonly double[] _waste = new double[SharePacking.WholeCard + 1];

    /// <summary>Works out the table.</summary>
    /// <param name="kinds">The pods to come, with their shares.</param>
    public CardWaste(IReadOnlyList<(DemandKind Kind, double Share)> kinds)
    {
        var sizes = kinds.GroupBy(k => k.Kind.Milli).Select(g => (Milli: g.Key, Cards: g.Sum(k => k.Share * k.Kind.Cards), Share: g.Sum(k => k.Share))).ToList();
        var shares = sizes.Where(s => s.Milli < SharePacking.WholeCard).OrderByDescending(s => s.Cards).ThenBy(s => s.Milli).Take(MostSizes);
        var values = CuttingStock.ValuesOf([.. shares.Select(s => (s.Milli, s.Cards)).OrderBy(s => s.Milli)]);
        var random = AtRandom([.. sizes.Select(s => (s.Milli, s.Share)).OrderBy(s => s.Milli)]);
        for (var free = 0; free < _waste.Length; free++)
        {
            _waste[free] = free - (SharePacking.WholeCard * values[free]) + (Random * random[free]);
        }
    }

    /// <summary>The waste of a card, in milli-GPU.</summary>
    /// <param name="free">What is free on it, in milli-GPU (0 to 1000).</param>
    public double this[int free] => _waste[free];

    /// <summary>What is left of r free milli-GPU when pods come at random (<see cref="RandomFill"/>), by r.</summary>
    private static double[] AtRandom(IReadOnlyList<(int Milli, double Share)> sizes)
    {
        var left = new double[SharePacking.WholeCard + 1];
        var all = sizes.Sum(s => s.Share);
        for (var free = 0; free < left.Length; free++)
        {
            double fitting = 0, after = 0;
            foreach (var (milli, share) in sizes)
            {
                if (milli > free)
                {
                    break;
                }

                fitting += share;
                after += share * left[free - milli];
            }

            left[free] = RandomFill.Left(fitting / all, after / all, free);
        }

        return left;
    }
}
