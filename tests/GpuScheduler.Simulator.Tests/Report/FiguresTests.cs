using CsCheck;
using GpuScheduler.Simulator.Report;
using Xunit;

namespace GpuScheduler.Simulator.Tests.Report;

/// <summary>The figures that a report works out of the model: numbers as text, spreads, classes of idle cards, lines and waits.</summary>
public sealed class FiguresTests
{
    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(0.25, "0.3 s")]
    [InlineData(59.4, "59 s")]
    [InlineData(59.6, "1 m")]
    [InlineData(200, "3 m 20 s")]
    [InlineData(3599.7, "60 m")]
    [InlineData(3600, "1 h")]
    [InlineData(90061, "1 d 1 h")]
    [InlineData(86400.0 * 12345, "12.345k d")]
    [InlineData(-90, "-1 m 30 s")]
    [InlineData(double.NaN, "–")]
    public void Durations_read_in_their_two_largest_units(double seconds, string text) => Assert.Equal(text, Num.Duration(seconds));

    [Theory]
    [InlineData(1234567.891, 1, "1,234,567.9")]
    [InlineData(-0.001, 2, "0.00")]
    [InlineData(1.5e300, 2, "1.5e300")]
    [InlineData(double.NegativeInfinity, 2, "–")]
    public void Numbers_have_thousands_and_no_surprises(double value, int decimals, string text) => Assert.Equal(text, Num.Fixed(value, decimals));

    [Theory]
    [InlineData(0, null)]
    [InlineData(1, 0)]
    [InlineData(99, 0)]
    [InlineData(100, 1)]
    [InlineData(199, 1)]
    [InlineData(200, 2)]
    [InlineData(499, 2)]
    [InlineData(500, 3)]
    [InlineData(899, 3)]
    [InlineData(900, 4)]
    [InlineData(999, 4)]
    [InlineData(1000, 5)]
    public void A_card_is_classed_by_what_is_left_on_it(int freeMilli, int? expected) => Assert.Equal(expected, IdleByRemainder.ClassOf(freeMilli));

    [Fact]
    public void Idle_GPUs_sum_up_what_is_left_on_cards()
    {
        var idle = IdleByRemainder.Of([0, 50, 190, 190, 1000, 1000, 450]);
        Assert.Equal([0.05, 0.38, 0.45, 0, 0, 2], idle.Gpus);
        Assert.Throws<ArgumentOutOfRangeException>(() => IdleByRemainder.Of([1001]));
        Assert.Throws<ArgumentOutOfRangeException>(() => IdleByRemainder.Of([-1]));
    }

    [Fact]
    public void A_spread_passes_over_what_is_missing_or_not_finite()
    {
        Assert.Equal(new Spread(2, 1, 3, 2), Spread.Of([1, null, double.NaN, 3]));
        Assert.Null(Spread.Of([null, double.PositiveInfinity]));
    }

    [Fact]
    public void A_line_is_the_mean_of_its_seeds_where_half_of_them_reach()
    {
        (double, double)[] first = [(0, 0), (10, 10), (20, 20)];
        (double, double)[] second = [(0, 2), (20, 22)];
        (double, double)[] third = [(0, 4)];
        var grid = SeriesGrid.Over([first, second, third]);
        var line = grid.Sum(new PolicyStyle("a", 0, Own: false), [first, second, third]);

        Assert.Equal([0, 10, 20], grid.Places);
        Assert.Equal([2, 11, 21], line.Mean);
        Assert.Equal([0, 10, 20], line.Low);
        Assert.Equal([4, 12, 22], line.High);
        Assert.Equal(double.NaN, grid.Sum(line.Policy, [third, third, first]).Mean[2]);
    }

    [Fact]
    public void A_line_of_very_many_points_is_sampled()
    {
        (double X, double Y)[] line = [.. Enumerable.Range(0, 50_000).Select(i => (i / 500.0, i / 250.0))];
        var grid = SeriesGrid.Over([line]);
        Assert.InRange(grid.Places.Length, 300, 500);
        var sampled = grid.Sum(new PolicyStyle("a", 0, Own: false), [line]);
        Assert.All(grid.Places.Zip(sampled.Mean), p => Assert.Equal(2 * p.First, p.Second, 1e-6));
    }

    [Fact]
    public void Quantiles_of_waits_agree_with_a_list_in_which_the_unstarted_wait_forever() =>
        Gen.Select(Gen.Double[0, 1e6].List[0, 40], Gen.Int[0, 10], Gen.Double[0.01, 1], Gen.Double[0, 1e6]).Sample((waits, never, share, within) =>
        {
            var quantiles = new WaitQuantiles([new TimedRun { Seed = 1, LoadPercent = 100, WaitSeconds = waits, NeverStarted = never }]);
            var all = waits.Concat(Enumerable.Repeat(double.PositiveInfinity, never)).Order().ToList();
            if (all.Count == 0)
            {
                Assert.Null(quantiles.At(share));
                Assert.Equal(double.NaN, quantiles.StartedWithin(within));
                return;
            }

            // The first wait that at least this share does not exceed.
            var expected = all.First(w => all.Count(x => x <= w) >= share * all.Count);
            Assert.Equal(double.IsInfinity(expected) ? null : expected, quantiles.At(share));
            Assert.Equal(100.0 * all.Count(w => w <= within) / all.Count, quantiles.StartedWithin(within), 1e-9);
        });
}
