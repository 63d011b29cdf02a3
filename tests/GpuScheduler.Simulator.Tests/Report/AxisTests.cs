using CsCheck;
using GpuScheduler.Simulator.Report;
using Xunit;

namespace GpuScheduler.Simulator.Tests.Report;

public sealed class AxisTests
{
    [Theory]
    [InlineData(0, 100, 6, "0 20 40 60 80 100")]
    [InlineData(91.3, 96.5, 6, "91 92 93 94 95 96 97")]
    [InlineData(0, 0.03, 4, "0.00 0.01 0.02 0.03")]
    [InlineData(0, 45000, 5, "0 10k 20k 30k 40k 50k")]
    [InlineData(-3, 3, 6, "-3 -2 -1 0 1 2 3")]
    public void Ticks_are_numbers_that_people_count_in(double min, double max, int about, string labels) =>
        Assert.Equal(labels, string.Join(' ', Axis.Linear(min, max, about, snap: true).Ticks.Select(t => t.Label)));

    [Fact]
    public void Ticks_lie_in_the_range_evenly_at_1_2_or_5_times_a_power_of_ten() =>
        Gen.Select(Gen.Double[-1e12, 1e12], Gen.Double[1e-6, 1e12], Gen.Int[2, 12], Gen.Bool).Sample((min, size, about, snap) =>
        {
            var axis = Axis.Linear(min, min + size, about, snap);
            if (axis.Max - axis.Min < Math.Abs(min) * 1e-8)
            {
                // Too near each other for doubles to divide the range exactly.
                return;
            }

            var ticks = axis.Ticks.Select(t => t.Value).ToArray();
            var tolerance = (axis.Max - axis.Min) * 1e-6;
            Assert.True(axis.Min <= min + tolerance && axis.Max >= min + size - tolerance);
            Assert.InRange(ticks.Length, 1, (about * 2) + 2);
            Assert.All(ticks, t => Assert.InRange(t, axis.Min - tolerance, axis.Max + tolerance));
            if (snap)
            {
                Assert.Equal(axis.Min, ticks[0], tolerance);
                Assert.Equal(axis.Max, ticks[^1], tolerance);
            }

            for (var i = 1; i < ticks.Length; i++)
            {
                var step = ticks[i] - ticks[i - 1];
                var lead = step / Math.Pow(10, Math.Floor(Math.Log10(step * 1.0001)));
                Assert.Contains(new[] { 1.0, 2, 5 }, n => Math.Abs(lead - n) < 0.01);
            }
        });

    [Theory]
    [InlineData(5, 5)]
    [InlineData(0, 0)]
    [InlineData(double.NaN, double.PositiveInfinity)]
    [InlineData(-1.7e308, 1.7e308)]
    [InlineData(1e300, 1e308)]
    [InlineData(1e16, 1e16 + 2)]
    [InlineData(9, 3)]
    public void A_range_without_extent_or_beyond_reason_still_gives_an_axis(double min, double max)
    {
        foreach (var axis in new[] { Axis.Linear(min, max, 6, snap: true), Axis.Linear(min, max, 6, snap: false), Axis.Time(max, 6), Axis.LogDuration(max) })
        {
            Assert.True(axis.Max > axis.Min);
            Assert.InRange(axis.Ticks.Count, 1, 50);
            Assert.All([min, max, 0, double.MaxValue, double.MinValue], v => Assert.True(double.IsNaN(v) || double.IsFinite(axis.Place(v)) || double.IsInfinity(v)));
        }
    }

    [Fact]
    public void Time_is_divided_in_minutes_hours_and_days_not_in_thousands_of_seconds()
    {
        Assert.Equal("0 s 1 m 2 m 3 m 4 m 5 m", Labels(Axis.Time(300, 6)));
        Assert.Equal("0 s 6 h 12 h 18 h 1 d", Labels(Axis.Time(86400, 5)));
        Assert.Equal("0 s 20 d 40 d 60 d 80 d 100 d", Labels(Axis.Time(100 * 86400, 6)));
    }

    [Fact]
    public void Waits_are_drawn_logarithmically_from_a_second_to_the_tick_above_the_longest()
    {
        var axis = Axis.LogDuration(5000);
        Assert.Equal("≤ 1 s 10 s 1 m 10 m 1 h 6 h", Labels(axis));
        Assert.Equal(0, axis.Place(0));
        Assert.Equal(0, axis.Place(1));
        Assert.Equal(1, axis.Place(6 * 3600), 1e-12);
        Assert.Equal(axis.Place(60) - axis.Place(10), axis.Place(3600) - axis.Place(600), 1e-12);
    }

    private static string Labels(Axis axis) => string.Join(' ', axis.Ticks.Select(t => t.Label));
}
