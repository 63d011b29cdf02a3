using CsCheck;
using GpuScheduler.Core.Demand;
using Xunit;

namespace GpuScheduler.Core.Tests.Demand;

public class CardWasteTests
{
    [Fact]
    public void The_waste_is_what_the_two_views_say()
    {
        Kinds.Gen.Sample(kinds =>
        {
            var waste = new CardWaste(kinds);
            var amounts = kinds.Where(k => k.Kind.Milli < 1000).GroupBy(k => k.Kind.Milli).OrderBy(g => g.Key).Select(g => (g.Key, g.Sum(k => k.Share * k.Kind.Cards))).ToList();
            var values = CuttingStock.ValuesOf(amounts);
            var random = new AtRandom(kinds);
            for (var free = 0; free <= 1000; free++)
            {
                Assert.Equal(free - (1000 * values[free]) + (0.5 * random.Left(free)), waste[free], 7);
            }
        }, iter: 60);
    }

    [Fact]
    public void Nothing_free_is_no_waste_what_nothing_fits_into_is_all_waste_and_no_remainder_saves_more_than_a_card()
    {
        Kinds.Gen.Sample(kinds =>
        {
            var waste = new CardWaste(kinds);
            var smallest = kinds.Min(k => k.Kind.Milli);
            Assert.Equal(0, waste[0]);
            for (var free = 1; free <= 1000; free++)
            {
                Assert.InRange(waste[free], free - 1000 - 1e-6, 1.5 * free);
                if (free < smallest)
                {
                    Assert.Equal(1.5 * free, waste[free], 9);
                }
            }
        }, iter: 60);
    }

    [Fact]
    public void Where_sizes_divide_a_card_evenly_nothing_is_worth_more_than_its_size_and_no_waste_is_below_0()
    {
        Gen.Int[0, 5].Select(i => new[] { 100, 125, 200, 250, 500, 1000 }[i]).Array[1, 4].Where(s => s.Length == 1 || s.All(x => x % s.Min() == 0)).Sample(sizes =>
        {
            var waste = new CardWaste([.. sizes.Distinct().Select(s => (new DemandKind(1000, 1, s, 1, ""), 1.0))]);
            for (var free = 0; free <= 1000; free++)
            {
                Assert.True(waste[free] > -1e-6, $"{string.Join(' ', sizes)}: {free} {waste[free]}");
            }
        }, iter: 40);
    }

    [Fact]
    public void A_remainder_that_saves_a_card_is_worth_more_than_its_size()
    {
        var waste = new CardWaste([(new DemandKind(1000, 1, 600, 1, ""), 1)]);
        Assert.InRange(waste[600], -400, -390);
        Assert.Equal(1.5 * 599, waste[599], 9);
    }

    /// <summary>What stays free when pods come at random, from its description: 60 offers, the mean over those that fit.</summary>
    private sealed class AtRandom(IReadOnlyList<(DemandKind Kind, double Share)> kinds)
    {
        private readonly Dictionary<int, double> _known = [];

        public double Left(int free)
        {
            if (_known.TryGetValue(free, out var known))
            {
                return known;
            }

            var fitting = kinds.Where(k => k.Kind.Milli <= free).ToList();
            var part = fitting.Sum(k => k.Share);
            if (part == 0)
            {
                return free;
            }

            var comes = part / kinds.Sum(k => k.Share);
            var mean = fitting.Sum(k => k.Share * Left(free - k.Kind.Milli)) / part;
            var taken = comes / (comes + (1.0 / 60));
            return _known[free] = (taken * mean) + ((1 - taken) * free);
        }
    }
}
