using System.Text.Json.Serialization;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>One measured case of gang placement.</summary>
/// <param name="Case">What is placed.</param>
/// <param name="Nodes">Nodes of 8 GPUs.</param>
/// <param name="Gang">Members times GPUs, or how many gangs.</param>
/// <param name="Instances">How many were measured.</param>
/// <param name="MedianUs">Median time, in µs.</param>
/// <param name="P99Us">99th percentile, in µs; the longest for fewer than 100.</param>
/// <param name="ProvenShare">Share of the answers that are proven, from 0 to 1.</param>
/// <param name="Racks">Racks that a gang uses, mean; 0 where that is not the question.</param>
/// <param name="RacksBestFit">The same of the baseline.</param>
/// <param name="GapPercent">The largest gap between an answer and its bound.</param>
/// <param name="GainOverBestFitPercent">Median gain over the baseline: GPU-weight admitted, racks saved, or cost of eviction saved.</param>
/// <param name="GainOverMultiStartPercent">Median gain over the best of many greedy plans.</param>
internal sealed record GangRow(
    [property: JsonPropertyName("case")] string Case,
    [property: JsonPropertyName("nodes")] int Nodes,
    [property: JsonPropertyName("gang")] string Gang,
    [property: JsonPropertyName("instances")] int Instances,
    [property: JsonPropertyName("medianUs")] double MedianUs,
    [property: JsonPropertyName("p99Us")] double P99Us,
    [property: JsonPropertyName("provenShare")] double ProvenShare,
    [property: JsonPropertyName("racks")] double Racks,
    [property: JsonPropertyName("racksBestFit")] double RacksBestFit,
    [property: JsonPropertyName("gapPercent")] double GapPercent,
    [property: JsonPropertyName("gainOverBestFitPercent")] double GainOverBestFitPercent,
    [property: JsonPropertyName("gainOverMultiStartPercent")] double GainOverMultiStartPercent);
