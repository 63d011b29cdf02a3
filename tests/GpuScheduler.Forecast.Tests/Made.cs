using System.Collections.Immutable;

namespace GpuScheduler.Forecast.Tests;

/// <summary>Series of a known make.</summary>
internal static class Made
{
    public static readonly TimeSpan Step = TimeSpan.FromMinutes(30);

    public const int Day = 48;

    /// <summary>A Monday.</summary>
    public static readonly DateTimeOffset Monday = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    public static DemandSeries Series(double days, Func<int, double> value) =>
        new(DemandSeries.StepOf(Monday, Step), Step, [.. Enumerable.Range(0, (int)(days * Day)).Select(value)]);

    /// <summary>A wave of a day about 100.</summary>
    public static double Daily(int step) => 100 + (40 * Math.Sin(2 * Math.PI * step / Day));

    /// <summary>Normal noise, the same for a seed.</summary>
    public static Func<double> Noise(int seed)
    {
        var random = new Random(seed);
        return () => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }

    public static DemandForecast Forecast(DemandSeries series)
    {
        var result = new Forecaster(Step, TimeSpan.FromHours(24)).Forecast(series);
        return result.Forecast ?? throw new InvalidOperationException(result.Refusal);
    }

    public static DemandSeries With(this DemandSeries series, Func<double, int, double> change) => series with { Gpus = [.. series.Gpus.Select(change)] };

    public static ImmutableArray<double> Next(Func<int, double> value, DemandSeries after, int count) => [.. Enumerable.Range(after.Gpus.Length, count).Select(value)];
}
