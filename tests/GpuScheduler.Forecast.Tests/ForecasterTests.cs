using CsCheck;
using Xunit;

namespace GpuScheduler.Forecast.Tests;

public sealed class ForecasterTests
{
    [Fact]
    public void A_pure_season_is_continued()
    {
        var series = Made.Series(10, Made.Daily);
        var forecast = Made.Forecast(series);

        Assert.Equal(Made.Day, forecast.Points.Length);
        Assert.All(forecast.Points.Zip(Made.Next(Made.Daily, series, Made.Day)), p => Assert.Equal(p.Second, p.First.Expected, 1.0));
        Assert.DoesNotContain(forecast.Leads, l => l.Method == "last-value");
    }

    [Fact]
    public void A_pure_trend_is_followed_and_lies_within_the_bounds()
    {
        static double Trend(int step) => 50 + (0.1 * step);
        var series = Made.Series(14, Trend);
        var forecast = Made.Forecast(series);

        var last = forecast.Points[^1];
        Assert.InRange(Trend(series.Gpus.Length + Made.Day - 1), last.Low - 0.5, last.High + 0.5);
        Assert.Equal(Trend(series.Gpus.Length + Made.Day - 1), last.Expected, 3.0);
    }

    [Fact]
    public void A_week_with_trend_and_noise_is_forecast_by_the_method_that_erred_least_at_each_lead()
    {
        var noise = Made.Noise(7);
        double Truth(int step) => (200 + (0.02 * step) + (60 * Math.Sin(2 * Math.PI * step / Made.Day))) * (step / Made.Day % 7 >= 5 ? 0.6 : 1);
        var series = Made.Series(35, step => Truth(step) + (5 * noise()));
        var forecast = Made.Forecast(series);

        Assert.Equal(5, forecast.Scores.Length);
        Assert.All(forecast.Leads.Index(), lead =>
        {
            Assert.Equal(forecast.Scores.MinBy(s => s.ByLead[lead.Index].Mae)!.Method, lead.Item.Method);
            Assert.Equal(forecast.Scores.Min(s => s.ByLead[lead.Index].Mae), lead.Item.Mae);
        });
        Assert.All(forecast.Scores, s => Assert.True(s.Ratio >= forecast.Scores[0].Ratio, s.Method));
        Assert.InRange(forecast.Scores[0].Ratio, 0, 0.5);
        Assert.StartsWith($"{forecast.Methods}: of 5 methods, tried at {forecast.Origins} moments of the past", forecast.Why, StringComparison.Ordinal);
        var error = forecast.Points.Zip(Made.Next(Truth, series, Made.Day)).Average(p => Math.Abs(p.First.Expected - p.Second));
        Assert.InRange(error, 0, 25);
    }

    [Fact]
    public void A_day_with_noise_is_forecast_better_than_by_any_baseline()
    {
        var noise = Made.Noise(7);
        var forecast = Made.Forecast(Made.Series(20, step => Made.Daily(step) + (0.02 * step) + (8 * noise())));

        Assert.All(forecast.Leads, l => Assert.StartsWith("harmonic", l.Method, StringComparison.Ordinal));
        Assert.All(forecast.Scores.Where(s => !s.Method.StartsWith("harmonic", StringComparison.Ordinal)), s => Assert.True(s.Ratio > 1.1 * forecast.Scores[0].Ratio, s.Method));
    }

    [Fact]
    public void Demand_that_never_changes_is_expected_to_stay_and_has_no_width()
    {
        var forecast = Made.Forecast(Made.Series(10, _ => 64));

        Assert.Equal("last-value up to 24 h", forecast.Methods);
        Assert.All(forecast.Points, p => Assert.Equal(new ForecastPoint(64, 64, 64, "last-value"), p));
    }

    [Fact]
    public void No_demand_at_all_is_a_forecast_of_none()
    {
        var forecast = Made.Forecast(Made.Series(10, _ => 0));

        Assert.All(forecast.Points, p => Assert.Equal((0, 0, 0), (p.Expected, p.Low, p.High)));
        Assert.All(forecast.Scores, s => Assert.Equal((0, 0), (s.Mae, s.Mase)));
    }

    [Fact]
    public void Demand_that_wanders_without_a_season_is_left_to_the_last_value()
    {
        var noise = Made.Noise(3);
        var level = 500.0;
        var forecast = Made.Forecast(Made.Series(30, _ => level = Math.Max(0, level + (3 * noise()))));

        Assert.Equal("last-value up to 24 h", forecast.Methods);
    }

    [Fact]
    public void Where_another_method_is_best_further_ahead_each_is_used_at_its_lead()
    {
        var forecast = Made.Forecast(ByTheHourAndByTheWeek());

        Assert.Equal("last-value", forecast.Leads[0].Method);
        Assert.Equal("same-time-last-week", forecast.Leads[^1].Method);
        Assert.Equal((forecast.Alternatives["last-value"][0], "last-value"), (forecast.Points[0].Expected, forecast.Points[0].Method));
        Assert.Equal((forecast.Alternatives["same-time-last-week"][^1], "same-time-last-week"), (forecast.Points[^1].Expected, forecast.Points[^1].Method));
        Assert.StartsWith("last-value up to ", forecast.Methods, StringComparison.Ordinal);
        Assert.EndsWith("same-time-last-week up to 24 h", forecast.Methods, StringComparison.Ordinal);
        Assert.Equal(forecast.Leads.Select(l => l.Method).Distinct(), forecast.Points.Select(p => p.Method).Distinct());
        Assert.Equal(forecast.Leads[0].Mae, forecast.ErrorsAhead(TimeSpan.FromMinutes(15)).Min(e => e.Mae));
        Assert.Equal(forecast.Leads[^1].Mae, forecast.ErrorsAhead(TimeSpan.FromHours(24)).Min(e => e.Mae));
    }

    [Fact]
    public void From_one_method_to_the_next_it_goes_over_without_a_jump()
    {
        var forecast = Made.Forecast(ByTheHourAndByTheWeek());
        double[][] used = [.. forecast.Leads.Select(l => l.Method).Distinct().Select(m => forecast.Alternatives[m].ToArray())];

        Assert.All(forecast.Points.Index(), p => Assert.InRange(p.Item.Expected, used.Min(m => m[p.Index]) - 1e-9, used.Max(m => m[p.Index]) + 1e-9));

        // From eight hours on the middles of neighbouring leads are at least twelve steps apart.
        for (var h = 16; h < forecast.Points.Length; h++)
        {
            var most = used.Max(m => Math.Abs(m[h] - m[h - 1])) + ((used.Max(m => m[h]) - used.Min(m => m[h])) / 12);
            Assert.InRange(Math.Abs(forecast.Points[h].Expected - forecast.Points[h - 1].Expected), 0, most + 1e-9);
        }
    }

    [Fact]
    public void So_far_ahead_as_the_horizon_is_its_last_point_and_further_there_is_none()
    {
        var forecast = Made.Forecast(Made.Series(10, Made.Daily));

        Assert.Equal(forecast.Points[0], forecast.Ahead(TimeSpan.FromMinutes(15)));
        Assert.Equal(forecast.Points[1], forecast.Ahead(TimeSpan.FromMinutes(30)));
        Assert.Equal(forecast.Points[^1], forecast.Ahead(TimeSpan.FromHours(24)));
        Assert.Null(forecast.Ahead(TimeSpan.FromHours(24.5)));
        Assert.Empty(forecast.ErrorsAhead(TimeSpan.FromHours(24.5)));
    }

    [Fact]
    public void Bounds_of_noise_hold_nine_of_ten_of_what_comes()
    {
        var noise = Made.Noise(11);
        var series = Made.Series(45, step => Made.Daily(step) + (5 * noise()));
        var forecaster = new Forecaster(Made.Step, TimeSpan.FromHours(24));
        var (within, all) = (0, 0);
        for (var origin = series.First + (20 * Made.Day); origin + Made.Day < series.End; origin += 17)
        {
            var forecast = forecaster.Forecast(series.Before(origin)).Forecast!;
            for (var h = 0; h < Made.Day; h++, all++)
            {
                var truth = series.At(origin + h);
                within += truth >= forecast.Points[h].Low && truth <= forecast.Points[h].High ? 1 : 0;
            }
        }

        Assert.InRange((double)within / all, 0.85, 0.98);
    }

    [Fact]
    public void Gaps_are_bridged_and_hardly_change_what_is_expected()
    {
        var series = Made.Series(14, Made.Daily);
        var holed = series.With((g, i) => i % (3 * Made.Day) is > 20 and < 50 || i % 7 == 0 ? double.NaN : g);

        Assert.All(Made.Forecast(holed).Points.Zip(Made.Forecast(series).Points), p => Assert.Equal(p.Second.Expected, p.First.Expected, 8.0));
    }

    [Fact]
    public void A_spike_of_an_hour_does_not_come_back()
    {
        var series = Made.Series(14, step => Made.Daily(step) + (step is > 400 and < 403 ? 2000 : 0));

        Assert.All(Made.Forecast(series).Points.Zip(Made.Next(Made.Daily, series, Made.Day)), p => Assert.InRange(p.First.Expected, p.Second - 60, p.Second + 60));
    }

    [Theory]
    [InlineData(0, "no demand has been recorded yet")]
    [InlineData(1.2, "the history covers 1.2 days, and 2 are needed to know the season of a day: 2026-01-07 00:00Z at the earliest")]
    [InlineData(2.1, "have not yet been compared with what came at 8 moments")]
    public void Too_little_history_is_refused_with_what_is_missing(double days, string says)
    {
        var result = new Forecaster(Made.Step, TimeSpan.FromHours(24)).Forecast(Made.Series(days, Made.Daily));

        Assert.Null(result.Forecast);
        Assert.Contains(says, result.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_young_history_reaches_less_far_ahead()
    {
        var young = Made.Forecast(Made.Series(3, Made.Daily)).Points.Length;

        Assert.InRange(young, 1, Made.Day - 1);
        Assert.Equal(Made.Day, Made.Forecast(Made.Series(5, Made.Daily)).Points.Length);
    }

    [Fact]
    public void After_hours_without_a_sample_nothing_is_forecast()
    {
        var result = new Forecaster(Made.Step, TimeSpan.FromHours(24)).Forecast(Made.Series(14, step => step > (14 * Made.Day) - 5 ? double.NaN : Made.Daily(step)));

        Assert.Contains("nothing was recorded in the last 1 h", result.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_series_that_grows_is_forecast_as_one_that_was_there_at_once()
    {
        var noise = Made.Noise(5);
        var series = Made.Series(12, step => Made.Daily(step) + (5 * noise()));
        var forecaster = new Forecaster(Made.Step, TimeSpan.FromHours(24));
        for (var end = series.First; end < series.End; end += 3)
        {
            forecaster.Forecast(series.Before(end));
        }

        var (grown, once) = (forecaster.Forecast(series).Forecast!, Made.Forecast(series));
        Assert.Equal(once.Points, grown.Points);
        Assert.Equal(once.Scores.Select(s => s.Ratio), grown.Scores.Select(s => s.Ratio));
    }

    [Fact]
    public void Whatever_was_the_forecast_is_finite_never_negative_and_in_order() =>
        Gen.Select(Gen.Double[0, 1], Gen.Int[0, 3], Gen.Int[0, 1_000_000]).Sample(
            (gaps, kind, seed) =>
            {
                var random = new Random(seed);
                var level = 100.0;
                var series = Made.Series(6, _ => random.NextDouble() < gaps * 0.6 ? double.NaN : Math.Max(0, kind switch
                {
                    0 => random.Next(3) == 0 ? 10_000 * random.NextDouble() : 0,
                    1 => level += (random.NextDouble() - 0.5) * 30,
                    2 => random.Next(2),
                    _ => 1e9 * random.NextDouble(),
                }));
                var result = new Forecaster(Made.Step, TimeSpan.FromHours(24)).Forecast(series);
                Assert.True(result.Forecast is null == result.Refusal.Length > 0);
                var (below, above) = (0.0, 0.0);
                foreach (var point in result.Forecast?.Points ?? [])
                {
                    // Further ahead is never better known; below 0 there is nothing to know.
                    Assert.True(point.High - point.Expected >= above - (1e-9 * point.High), $"{point} is narrower than the one before");
                    Assert.True(point.Low == 0 || point.Expected - point.Low >= below - (1e-9 * point.High), $"{point} is narrower than the one before");
                    above = point.High - point.Expected;
                    below = point.Low == 0 ? below : point.Expected - point.Low;
                    Assert.True(double.IsFinite(point.High) && point.Low >= 0 && point.Low <= point.Expected && point.Expected <= point.High, point.ToString());
                }
            },
            iter: 30);

    [Fact]
    public void Ten_times_the_demand_has_ten_times_the_forecast()
    {
        var noise = Made.Noise(9);
        var series = Made.Series(12, step => Made.Daily(step) + (5 * noise()));
        var (one, ten) = (Made.Forecast(series), Made.Forecast(series.With((g, _) => 10 * g)));

        Assert.Equal(one.Methods, ten.Methods);
        Assert.All(one.Points.Zip(ten.Points), p =>
        {
            Assert.Equal(10 * p.First.Expected, p.Second.Expected, 1e-6);
            Assert.Equal(10 * p.First.High, p.Second.High, 1e-6);
        });
    }

    /// <summary>A week of heights that hold for eight hours each, which no wave describes, and what fades within a day: near ahead it stays as it is, further ahead it is as a week ago.</summary>
    private static DemandSeries ByTheHourAndByTheWeek()
    {
        var (random, noise, rest) = (new Random(3), Made.Noise(3), 0.0);
        double[] heights = [.. Enumerable.Range(0, 21).Select(_ => 100 + (200 * random.NextDouble()))];
        return Made.Series(35, step => heights[step / 16 % 21] + (rest = (0.98 * rest) + (3 * noise())));
    }

    [Fact]
    public void Steps_of_another_length_are_refused() =>
        Assert.Throws<ArgumentException>(() => new Forecaster(TimeSpan.FromMinutes(5), TimeSpan.FromHours(1)).Forecast(Made.Series(5, Made.Daily)));

    [Theory]
    [InlineData(7, 24)]
    [InlineData(30, 0)]
    [InlineData(30, 200)]
    public void Steps_that_make_no_day_and_horizons_out_of_reach_are_refused(int minutes, int hours) =>
        Assert.ThrowsAny<ArgumentException>(() => new Forecaster(TimeSpan.FromMinutes(minutes), TimeSpan.FromHours(hours)));
}
