using CsCheck;
using GpuScheduler.Solver.Bounds;
using Xunit;

namespace GpuScheduler.Solver.Tests.Bounds;

public sealed class FillUpBoundTests
{
    [Fact]
    public void No_subset_of_the_arrived_pods_exceeds_the_bound() =>
        FillUpCase.Any.Sample(
            draw =>
            {
                var bound = draw.Bound;
                for (var arrived = 0; arrived <= draw.Pods.Length; arrived++)
                {
                    var best = FillUpOracle.Best(draw, arrived, 0);
                    Assert.True(bound.Absolute(arrived) >= best, $"{draw}: after {arrived} arrivals {best} can be allocated, the bound is {bound.Absolute(arrived)}");
                }
            },
            iter: 1500,
            threads: 1);

    [Fact]
    public void No_placement_that_keeps_the_premise_exceeds_the_conditional_bound()
    {
        var kept = 0;
        FillUpCase.Any.Sample(
            draw =>
            {
                var bound = draw.Bound;
                for (var placedBefore = 1; placedBefore <= draw.Pods.Length; placedBefore++)
                {
                    var best = FillUpOracle.Best(draw, draw.Pods.Length, placedBefore);
                    kept += best >= 0 ? 1 : 0;
                    Assert.True(best < 0 || bound.Conditional(draw.Pods.Length, placedBefore) >= best, $"{draw}: with the shared pods of {placedBefore} arrivals {best} can be allocated, the bound is {bound.Conditional(draw.Pods.Length, placedBefore)}");
                }
            },
            iter: 1500,
            threads: 1);
        Assert.True(kept > 2000, "premises that can hardly ever be kept show nothing");
    }

    [Fact]
    public void Where_each_size_divides_the_next_the_bound_is_reached() =>
        Gen.Select(Gen.Int[1, 4], Gen.OneOf(125, 250, 500, 1000).Array[1, 7]).Sample(
            (cards, sizes) =>
            {
                var draw = new FillUpCase([.. Enumerable.Repeat(1000, cards)], [.. sizes.Select(s => (1, s))]);
                Assert.Equal(FillUpOracle.Best(draw, sizes.Length, 0), draw.Bound.Absolute(sizes.Length));
            },
            iter: 500,
            threads: 1);

    [Theory]
    [InlineData("810 on each card waste the rest", 3240, 0, 4, "810 810 810 810")]
    [InlineData("five large parts on four cards", 3240, 0, 4, "810 810 810 810 810")]
    [InlineData("small parts fill up the rest", 2000, 0, 2, "810 810 190 190")]
    [InlineData("whole cards are better than parts that may be left", 2000, 0, 2, "600 600 1000 1000")]
    [InlineData("and not to be had when the parts are placed", 1600, 1, 2, "600 600 1000 1000")]
    [InlineData("nor one of them", 1200, 2, 2, "600 600 1000 1000")]
    [InlineData("what arrives later may be left", 2000, 1, 2, "400 600 600 1000")]
    [InlineData("all fit in pairs", 3000, 6, 3, "700 600 510 300 400 490")]
    public void Known_examples_are_bounded_exactly(string why, long expected, int placedBefore, int cards, string milli)
    {
        var draw = new FillUpCase([.. Enumerable.Repeat(1000, cards)], [.. milli.Split(' ').Select(m => (1, int.Parse(m, System.Globalization.CultureInfo.InvariantCulture)))]);
        Assert.Equal(expected, FillUpOracle.Best(draw, draw.Pods.Length, placedBefore));
        Assert.True(expected == draw.Bound.Conditional(draw.Pods.Length, placedBefore), $"{why}: {draw.Bound.Conditional(draw.Pods.Length, placedBefore)}");
    }

    [Fact]
    public void Cards_in_part_use_take_what_fits_on_them()
    {
        // 190 and 500 are free: the parts of 190 and 400 fit, the whole card and the part of 600 do not.
        var bound = new FillUpBound([190, 500, 0], [new FillUpPart(0, 1, 1000), new FillUpPart(1, 1, 600), new FillUpPart(2, 1, 400), new FillUpPart(3, 1, 190)]);
        Assert.Equal([0, 0, 0, 400, 590], Enumerable.Range(0, 5).Select(bound.Absolute));
    }

    [Fact]
    public void Patterns_are_found_as_if_all_had_been_written_down() =>
        Gen.Select(Gen.Int[1, 60], Gen.Select(Gen.Int[90, 1000], Gen.Int[0, 40], Gen.Int[0, 40]).Array[1, 6]).Sample(
            (cards, draws) =>
            {
                var items = draws.DistinctBy(d => d.Item1).Select(d => (Milli: d.Item1, Least: d.Item1 == 1000 ? 0 : d.Item2, Most: d.Item2 + d.Item3)).Where(i => i.Most > 0).ToArray();
                var expected = PatternOracle.Optimum(cards, items);
                if (!double.IsNaN(expected))
                {
                    // Those that have to be placed arrive as number 0, the others as number 1.
                    FillUpPart[] parts = [.. items.Where(i => i.Least > 0).Select(i => new FillUpPart(0, i.Least, i.Milli)), .. items.Where(i => i.Most > i.Least).Select(i => new FillUpPart(1, i.Most - i.Least, i.Milli))];
                    Assert.InRange(new FillUpBound(Enumerable.Repeat(1000, cards), parts).Conditional(2, 1), expected - 1.001, expected + 0.5);
                }
            },
            iter: 400,
            threads: 1);

    [Fact]
    public void A_policy_stays_below_the_bound_that_its_own_first_refusal_gives() =>
        Gen.Select(Gen.Int[5, 40], Gen.OneOf(70, 160, 230, 320, 470, 590, 650, 810, 1000, 1000, 1000).Array[200]).Sample(
            (cards, sizes) =>
            {
                var free = Enumerable.Repeat(1000, cards).ToArray();
                var (used, refusal) = (0L, sizes.Length);
                for (var pod = 0; pod < sizes.Length; pod++)
                {
                    // Best fit.
                    var card = Enumerable.Range(0, cards).Where(c => free[c] >= sizes[pod]).OrderBy(c => free[c]).FirstOrDefault(-1);
                    if (card >= 0)
                    {
                        free[card] -= sizes[pod];
                        used += sizes[pod];
                    }
                    else if (sizes[pod] < 1000)
                    {
                        refusal = Math.Min(refusal, pod);
                    }
                }

                var bound = new FillUpBound(Enumerable.Repeat(1000, cards), sizes.Select((s, i) => new FillUpPart(i, 1, s)));
                var conditional = bound.Conditional(sizes.Length, refusal);
                Assert.InRange(conditional, used, bound.Absolute(sizes.Length));
                Assert.InRange(bound.Conditional(sizes.Length, refusal / 2), conditional, bound.Absolute(sizes.Length));
                Assert.InRange(bound.Conditional(sizes.Length - 20, Math.Min(refusal, 100)), 0, bound.Conditional(sizes.Length, Math.Min(refusal, 100)));
            },
            iter: 100,
            threads: 1);

    [Fact]
    public void Prices_of_any_kind_give_a_bound() =>
        Gen.Select(FillUpCase.Any, Gen.Double[-3000, 1500].Array[7]).Sample(
            (draw, prices) =>
            {
                // Every pod is an item of its own here: prices that no optimizer would choose.
                var items = draw.Pods.Select(p => new CardItem(p.Milli, 0, p.Cards)).ToArray();
                var cards = draw.Free.Select(f => new CardClass(f, 1)).ToArray();
                Assert.InRange(FillUpOracle.Best(draw, items.Length, 0), 0, new CardPatterns(cards, items).Price(prices.AsSpan(0, items.Length)));
            },
            iter: 1000,
            threads: 1);

    [Fact]
    public void Nothing_is_allocated_of_nothing_or_on_nothing()
    {
        Assert.Equal(0, new FillUpBound([1000], []).Absolute(5));
        Assert.Equal(0, new FillUpBound([], [new FillUpPart(0, 1, 500)]).Absolute(1));
        Assert.Equal(0, new FillUpBound([1000], [new FillUpPart(3, 1, 500)]).Absolute(3));
    }

    [Theory]
    [InlineData(-1, 1, 1, 1)]
    [InlineData(1001, 1, 1, 1)]
    [InlineData(1000, -1, 1, 1)]
    [InlineData(1000, 0, 0, 1)]
    [InlineData(1000, 0, 1, 0)]
    [InlineData(1000, 0, 1, 1001)]
    public void Cards_and_parts_beyond_their_limits_are_refused(int free, int arrival, int cards, int milli) =>
        Assert.Throws<ArgumentException>(() => new FillUpBound([free], [new FillUpPart(arrival, cards, milli)]));
}
