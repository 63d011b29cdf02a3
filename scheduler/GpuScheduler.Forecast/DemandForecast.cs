using System.Collections.Immutable;

namespace GpuScheduler.Forecast;

/// <summary>The demand that is expected.</summary>
/// <param name="First">Number of the first step that is forecast, which follows the last that is known.</param>
/// <param name="Step">Length of a step.</param>
/// <param name="Method">The method that it is made by: the one with the least error in the running back-test, or the last value where none is clearly better.</param>
/// <param name="Points">A point a step.</param>
/// <param name="Scores">How each method did; the one that is used first.</param>
/// <param name="Origins">How many moments of the past the methods were tried at.</param>
public sealed record DemandForecast(long First, TimeSpan Step, string Method, ImmutableArray<ForecastPoint> Points, ImmutableArray<MethodScore> Scores, int Origins)
{
    /// <summary>What each method expects, by its name, in GPUs a step.</summary>
    public ImmutableDictionary<string, ImmutableArray<double>> Alternatives { get; init; } = ImmutableDictionary<string, ImmutableArray<double>>.Empty;

    /// <summary>When the first step begins.</summary>
    public DateTimeOffset From => DemandSeries.TimeOf(First, Step);

    /// <summary>How far it reaches.</summary>
    public TimeSpan Horizon => Points.Length * Step;

    /// <summary>The point so long ahead: that of the step in which that moment lies; null beyond the horizon.</summary>
    public ForecastPoint? Ahead(TimeSpan lead) => (int)(lead / Step) is var index && index >= 0 && index < Points.Length ? Points[index] : null;

    /// <summary>Why this method, in a sentence.</summary>
    public string Why => Scores.Length == 1
        ? $"{Method} is the only method for which the history suffices"
        : Scores.FirstOrDefault(s => s.Ratio < Scores[0].Ratio) is { } better
            ? FormattableString.Invariant($"{better.Method} had the least error of {Scores.Length} methods, tried at {Origins} moments of the past, but hardly less than {Method}, which is used")
            : FormattableString.Invariant($"{Method} had the least error of {Scores.Length} methods, tried at {Origins} moments of the past: {Scores[0].Ratio:0.00} of that of the last value");
}
