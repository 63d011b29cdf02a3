using CsCheck;
using GpuScheduler.Core.Demand;
using Xunit;

namespace GpuScheduler.Core.Tests.Demand;

public class CuttingStockTests
{
    [Fact]
    public void The_values_are_prices_at_which_no_pattern_is_worth_more_than_a_card_and_all_shares_are_worth_the_fewest_cards()
    {
        var shares = Gen.Select(Gen.Int[3, 24].Select(s => s * 40), Gen.OneOf(Gen.Double[0.01, 1], Gen.Int[1, 3].Select(a => (double)a)));
        shares.Array[1, 5].Sample(drawn =>
        {
            var demand = drawn.GroupBy(d => d.Item1).Select(g => (Milli: g.Key, Amount: g.Sum(d => d.Item2))).OrderBy(d => d.Milli).ToArray();
            int[] sizes = [.. demand.Select(d => d.Milli)];
            double[] amounts = [.. demand.Select(d => d.Amount)];
            var patterns = PatternOracle.MaximalPatterns(sizes);
            var (used, _) = PatternOracle.Solve(patterns, amounts);
            var cards = used.Sum();
            var values = CuttingStock.ValuesOf(demand);

            // The oracle's packing holds everything, so that no prices that are allowed can be worth more than its cards.
            Assert.All(used, u => Assert.True(u > -1e-7));
            for (var i = 0; i < sizes.Length; i++)
            {
                Assert.True(Enumerable.Range(0, patterns.Count).Sum(p => used[p] * patterns[p][i]) > amounts[i] - 1e-7);
            }

            Assert.All(patterns, p => Assert.True(p.Zip(sizes).Sum(x => x.First * values[x.Second]) < 1 + 1e-7));
            Assert.Equal(cards, demand.Sum(d => d.Amount * values[d.Milli]), 6);

            Assert.Equal(Dearest(demand, values)[..1000], values[..1000], (a, b) => Math.Abs(a - b) < 1e-7);
        }, iter: 200);
    }

    [Fact]
    public void What_fits_beside_something_else_costs_nothing_until_there_is_more_of_it_than_room()
    {
        var few = CuttingStock.ValuesOf([(300, 1), (600, 1)]);
        Assert.Equal((0, 1), (few[300], few[600]));
        var many = CuttingStock.ValuesOf([(300, 4), (600, 1)]);
        Assert.Equal(1 / 3.0, many[300], 9);
        Assert.Equal(2 / 3.0, many[600], 9);
        Assert.Equal(2 / 3.0, many[899], 9);
        Assert.Equal(0, many[299]);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(250)]
    [InlineData(200)]
    [InlineData(1)]
    [InlineData(40)]
    public void Shares_that_divide_a_card_evenly_are_worth_their_size(int milli)
    {
        var values = CuttingStock.ValuesOf([(milli, 3)]);
        for (var free = 0; free <= 1000; free++)
        {
            Assert.Equal(free / milli * milli / 1000.0, values[free], 9);
        }
    }

    [Fact]
    public void A_share_beside_which_nothing_fits_is_worth_a_card()
    {
        var values = CuttingStock.ValuesOf([(600, 0.2), (999, 0.1)]);
        Assert.Equal((0, 1, 1, 1), (values[599], values[600], values[999], values[1000]));
    }

    [Fact]
    public void Without_shares_only_a_whole_card_is_worth_anything()
    {
        var values = CuttingStock.ValuesOf([]);
        Assert.All(values[..1000], v => Assert.Equal(0, v));
        Assert.Equal(1, values[1000]);
    }

    [Theory]
    [InlineData(1, 1000)]
    [InlineData(1, 120)]
    [InlineData(400, 1000)]
    [InlineData(500, 1000)]
    public void Many_sizes_end_in_prices_that_are_allowed_and_cover_all_that_is_asked_for(int least, int most)
    {
        for (var seed = 0; seed < 12; seed++)
        {
            var random = new Random(seed);
            var sizes = Enumerable.Range(least, most - least).ToArray();
            random.Shuffle(sizes);
            var demand = sizes.Take(64).Order().Select(s => (Milli: s, Amount: seed % 3 == 0 ? 1 : Math.Pow(10, -4 * random.NextDouble()))).ToArray();
            var values = CuttingStock.ValuesOf(demand);

            Assert.Equal(0, values[0]);
            Assert.Equal(1, values[1000]);
            for (var free = 1; free <= 1000; free++)
            {
                Assert.True(values[free] >= values[free - 1] - 1e-12 && values[free] < 1 + 1e-7);
            }

            // Allowed: what fits on a card together is worth a card at most. Not too low: a share costs what it takes up, in all.
            Assert.True(Dearest(demand, values)[1000] < 1 + 1e-6);
            Assert.True(demand.Sum(d => d.Amount * values[d.Milli]) >= demand.Sum(d => d.Amount * d.Milli / 1000) - 1e-6);
            Assert.True(demand.Sum(d => d.Amount * values[d.Milli]) <= demand.Sum(d => d.Amount / (1000 / d.Milli)) + 1e-6);
        }
    }

    [Fact]
    public void Only_the_proportions_of_the_demand_matter()
    {
        (int Milli, double Amount)[] demand = [(130, 0.3), (270, 0.1), (450, 0.25), (710, 0.05)];
        var values = CuttingStock.ValuesOf(demand);
        var thousandfold = CuttingStock.ValuesOf([.. demand.Select(d => (d.Milli, d.Amount * 1000))]);
        Assert.All(Enumerable.Range(0, 1001), free => Assert.Equal(values[free], thousandfold[free], 9));
    }

    /// <summary>What the dearest shares that fit into so much are worth together.</summary>
    private static double[] Dearest((int Milli, double Amount)[] demand, double[] prices)
    {
        var best = new double[1001];
        for (var free = 1; free <= 1000; free++)
        {
            best[free] = demand.Where(d => d.Milli <= free).Select(d => best[free - d.Milli] + prices[d.Milli]).Append(best[free - 1]).Max();
        }

        return best;
    }
}
