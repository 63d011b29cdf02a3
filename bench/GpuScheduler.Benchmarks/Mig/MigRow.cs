using System.Text.Json.Serialization;

namespace GpuScheduler.Benchmarks.Mig;

/// <summary>One measured case of MIG placement. What does not apply to a case is null.</summary>
internal sealed record MigRow
{
    /// <summary>acceptance/load/mix, repack, or plan.</summary>
    [JsonPropertyName("case")]
    public required string Case { get; init; }

    /// <summary>GPUs.</summary>
    [JsonPropertyName("gpus")]
    public required int Gpus { get; init; }

    /// <summary>Memory slices accepted, in percent of those asked for: the first GPU that will do.</summary>
    [JsonPropertyName("firstFitPercent")]
    public double? FirstFit { get; init; }

    /// <summary>The same: the fullest GPU that will do.</summary>
    [JsonPropertyName("bestFitPercent")]
    public double? BestFit { get; init; }

    /// <summary>The same: the value table of a uniform mix.</summary>
    [JsonPropertyName("valueTablePercent")]
    public double? ValueTable { get; init; }

    /// <summary>The same: the value table of the mix that really comes.</summary>
    [JsonPropertyName("valueTableObservedMixPercent")]
    public double? ValueTableObserved { get; init; }

    /// <summary>Variables of the exact model, the most.</summary>
    [JsonPropertyName("variables")]
    public int? Variables { get; init; }

    /// <summary>Median time of a repack or plan, in ms.</summary>
    [JsonPropertyName("medianMs")]
    public double? MedianMs { get; init; }

    /// <summary>Longest time, in ms.</summary>
    [JsonPropertyName("maxMs")]
    public double? MaxMs { get; init; }

    /// <summary>Share of the answers that are proven, from 0 to 1.</summary>
    [JsonPropertyName("provenShare")]
    public double? ProvenShare { get; init; }

    /// <summary>Memory slices served by the exact repack beyond those of the value table, the largest first, in percent; median.</summary>
    [JsonPropertyName("gainOverValueTablePercent")]
    public double? GainOverValueTable { get; init; }

    /// <summary>The same beyond those of first fit in the order of arrival.</summary>
    [JsonPropertyName("gainOverFirstFitPercent")]
    public double? GainOverFirstFit { get; init; }
}
