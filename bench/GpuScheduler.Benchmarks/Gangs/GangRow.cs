using System.Text.Json.Serialization;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>One measured case of gang placement. What does not apply to a case is null.</summary>
internal sealed record GangRow
{
    /// <summary>What is placed.</summary>
    [JsonPropertyName("case")]
    public required string Case { get; init; }

    /// <summary>Nodes of 8 GPUs.</summary>
    [JsonPropertyName("nodes")]
    public required int Nodes { get; init; }

    /// <summary>Members times GPUs, or how many gangs.</summary>
    [JsonPropertyName("gang")]
    public required string Gang { get; init; }

    /// <summary>Median time, in µs.</summary>
    [JsonPropertyName("medianUs")]
    public double MedianUs => Times.MedianUs;

    /// <summary>99th percentile, in µs; the longest for fewer than 100.</summary>
    [JsonPropertyName("p99Us")]
    public double P99Us => Times.P99Us;

    /// <summary>Share of the answers that are proven, from 0 to 1.</summary>
    [JsonPropertyName("provenShare")]
    public required double ProvenShare { get; init; }

    /// <summary>Racks that a gang uses, mean.</summary>
    [JsonPropertyName("racks")]
    public double? Racks { get; init; }

    /// <summary>The same of the baseline.</summary>
    [JsonPropertyName("racksBestFit")]
    public double? RacksBestFit { get; init; }

    /// <summary>The largest gap between an answer and its bound, in percent.</summary>
    [JsonPropertyName("gapPercent")]
    public required double GapPercent { get; init; }

    /// <summary>
    /// Gain over the baseline, in percent: racks saved of all that it uses, or the median of the GPU-weight admitted beyond what it
    /// admits, or of the work that it loses by eviction beyond the plan's.
    /// </summary>
    [JsonPropertyName("gainOverBestFitPercent")]
    public double? GainOverBestFitPercent { get; init; }

    /// <summary>Median gain in GPU-weight over the best of many greedy plans, in percent.</summary>
    [JsonPropertyName("gainOverMultiStartPercent")]
    public double? GainOverMultiStartPercent { get; init; }

    /// <summary>The times.</summary>
    [JsonIgnore]
    public GangTimes Times { get; init; } = new();

    /// <summary>What else is to be said.</summary>
    [JsonIgnore]
    public string Remark { get; init; } = "";
}
