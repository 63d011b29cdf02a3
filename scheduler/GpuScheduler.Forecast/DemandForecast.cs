using System.Collections.Immutable;
using System.Globalization;

namespace GpuScheduler.Forecast;

/// <summary>The demand that is expected.</summary>
/// <param name="First">Number of the first step that is forecast, which follows the last that is known.</param>
/// <param name="Step">Length of a step.</param>
/// <param name="Points">A point a step.</param>
/// <param name="Leads">The method that is used, by lead.</param>
/// <param name="Scores">How each method did; the one with the least error on the whole first.</param>
/// <param name="Origins">How many moments of the past the methods were tried at.</param>
public sealed record DemandForecast(long First, TimeSpan Step, ImmutableArray<ForecastPoint> Points, ImmutableArray<LeadChoice> Leads, ImmutableArray<MethodScore> Scores, int Origins)
{
    /// <summary>What each method expects, by its name, in GPUs a step.</summary>
    public ImmutableDictionary<string, ImmutableArray<double>> Alternatives { get; init; } = ImmutableDictionary<string, ImmutableArray<double>>.Empty;

    /// <summary>When the first step begins.</summary>
    public DateTimeOffset From => DemandSeries.TimeOf(First, Step);

    /// <summary>How far it reaches.</summary>
    public TimeSpan Horizon => Points.Length * Step;

    /// <summary>The methods that are used and how far ahead, in words.</summary>
    public string Methods => string.Join(", ", Leads.Where((lead, i) => i + 1 == Leads.Length || Leads[i + 1].Method != lead.Method).Select(l => $"{l.Method} up to {Words(l.UpTo)}"));

    /// <summary>Why these methods, in a sentence.</summary>
    public string Why => Scores.Length == 1
        ? $"{Methods}: the only method for which the history suffices"
        : FormattableString.Invariant($"{Methods}: of {Scores.Length} methods, tried at {Origins} moments of the past, the one with the least error so far ahead, or the last value where none was {Forecaster.LeastGain:0 %} better");

    /// <summary>The point so long ahead: that of the step in which that moment lies, or which it ends; null beyond the horizon.</summary>
    public ForecastPoint? Ahead(TimeSpan lead) => IndexOf(lead) is { } index ? Points[index] : null;

    /// <summary>The mean absolute error so far ahead that each method had, in GPUs; empty beyond the horizon.</summary>
    public IEnumerable<(string Method, double Mae)> ErrorsAhead(TimeSpan lead)
    {
        if (IndexOf(lead) is not { } index)
        {
            return [];
        }

        var span = Leads.TakeWhile(l => l.UpTo <= index * Step).Count();
        return Scores.Select(s => (s.Method, s.ByLead[span].Mae));
    }

    private static string Words(TimeSpan lead) => lead < TimeSpan.FromHours(1) ? string.Create(CultureInfo.InvariantCulture, $"{lead.TotalMinutes:0.#} min") : string.Create(CultureInfo.InvariantCulture, $"{lead.TotalHours:0.#} h");

    private int? IndexOf(TimeSpan lead) => lead < TimeSpan.Zero || lead > Horizon ? null : Math.Min((int)(lead / Step), Points.Length - 1);
}
