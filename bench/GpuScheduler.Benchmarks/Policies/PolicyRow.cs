using System.Text.Json.Serialization;

namespace GpuScheduler.Benchmarks.Policies;

/// <summary>What a decision takes with a policy on clusters of a size.</summary>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Nodes">Nodes.</param>
/// <param name="Decisions">How many decisions were measured.</param>
/// <param name="Placed">How many of them found a node.</param>
/// <param name="AllocatedPercent">GPU in use at the end, in % of all.</param>
/// <param name="MedianMicroseconds">Median time of a decision, in µs.</param>
/// <param name="P99Microseconds">99th percentile, in µs.</param>
/// <param name="MeanMicroseconds">Mean, in µs.</param>
/// <param name="MedianRatio">The median over that of the same policy on the smallest cluster.</param>
/// <param name="P99Ratio">The same of the 99th percentile.</param>
/// <param name="MeanRatio">The same of the mean.</param>
internal sealed record PolicyRow(
    [property: JsonPropertyName("policy")] string Policy,
    [property: JsonPropertyName("nodes")] int Nodes,
    [property: JsonPropertyName("decisions")] int Decisions,
    [property: JsonPropertyName("placed")] int Placed,
    [property: JsonPropertyName("allocatedPercent")] double AllocatedPercent,
    [property: JsonPropertyName("medianMicroseconds")] double MedianMicroseconds,
    [property: JsonPropertyName("p99Microseconds")] double P99Microseconds,
    [property: JsonPropertyName("meanMicroseconds")] double MeanMicroseconds,
    [property: JsonPropertyName("medianRatio")] double MedianRatio = 1,
    [property: JsonPropertyName("p99Ratio")] double P99Ratio = 1,
    [property: JsonPropertyName("meanRatio")] double MeanRatio = 1);
