using System.Collections.Immutable;
using GpuScheduler.Forecast;
using GpuScheduler.Forecast.History;

namespace GpuScheduler.Extender.Forecasting;

/// <summary>What is known of demand and its future, as of the last step.</summary>
internal sealed record ForecastView
{
    /// <summary>The name of the series of all demand.</summary>
    public const string All = "all";

    /// <summary>Before anything is known.</summary>
    public static ForecastView Empty { get; } = new();

    /// <summary>The newest sample; null when there is none.</summary>
    public DemandSample? Newest { get; init; }

    /// <summary>Number of the oldest sample's step.</summary>
    public long First { get; init; }

    /// <summary>Samples there are.</summary>
    public int Samples { get; init; }

    /// <summary>Why the file of the history is not used; null when it is, or there is none.</summary>
    public string? Problem { get; init; }

    /// <summary>Forecasts by series: <see cref="All"/>, and the models that pods name.</summary>
    public ImmutableSortedDictionary<string, ForecastResult> Results { get; init; } = ImmutableSortedDictionary.Create<string, ForecastResult>(StringComparer.Ordinal);
}
