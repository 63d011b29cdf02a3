using CsCheck;
using Xunit;

namespace GpuScheduler.Forecast.Tests;

public sealed class CapacityQuestionTests
{
    [Fact]
    public void Short_and_idle_are_counted_in_whole_nodes_and_hours()
    {
        var question = new CapacityQuestion([10, 20, double.NaN, 0], TimeSpan.FromMinutes(30), 8);
        var figures = question.Answer("x", [9, 16, 100, 1]);

        // 16 for 10, 16 for 20, nothing known, 8 for 0.
        Assert.Equal((15, 2, 7, 0.5), (figures.DemandedGpuHours, figures.ShortGpuHours, figures.IdleGpuHours, figures.ShortShare));
    }

    [Fact]
    public void What_is_there_is_used_or_idle_and_what_is_demanded_is_served_or_short() =>
        Gen.Select(Gen.Double[0, 100].Array[1, 50], Gen.Int[0, 100].Array[50], Gen.Int[1, 16]).Sample((demand, orders, node) =>
        {
            double[] ordered = [.. orders.Select(o => (double)o)];
            var figures = new CapacityQuestion(demand, TimeSpan.FromHours(1), node).Answer("x", ordered[..demand.Length]);
            var there = ordered[..demand.Length].Sum(o => Math.Ceiling(o / node) * node);
            Assert.Equal(figures.DemandedGpuHours - figures.ShortGpuHours, there - figures.IdleGpuHours, 1e-6);
        });

    [Fact]
    public void A_margin_is_found_that_leaves_as_much_idle()
    {
        var random = new Random(1);
        double[] demand = [.. Enumerable.Range(0, 500).Select(_ => 100 * random.NextDouble())];
        var (figures, margin) = new CapacityQuestion(demand, TimeSpan.FromHours(1), 1).WithIdleOf("x", [.. demand.Select(_ => 50.0)], 20_000);

        Assert.InRange(margin, 30, 50);
        Assert.Equal(20_000, figures.IdleGpuHours, 500.0);
    }
}
