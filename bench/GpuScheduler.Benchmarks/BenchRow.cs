using System.Text.Json.Serialization;

namespace GpuScheduler.Benchmarks;

/// <summary>One measured case.</summary>
/// <param name="Case">verb/body/way, for example filter/names/http.</param>
/// <param name="Nodes">Nodes in the request.</param>
/// <param name="MedianMs">Median time of a request, in ms.</param>
/// <param name="P99Ms">99th percentile, in ms.</param>
/// <param name="AllocatedBytes">Managed bytes allocated per request, in the process that answers.</param>
/// <param name="CpuMsPerRequest">Processor time per request of the process that answers, in ms; in process: of this one.</param>
/// <param name="Requests">How many were measured.</param>
internal sealed record BenchRow(
    [property: JsonPropertyName("case")] string Case,
    [property: JsonPropertyName("nodes")] int Nodes,
    [property: JsonPropertyName("medianMs")] double MedianMs,
    [property: JsonPropertyName("p99Ms")] double P99Ms,
    [property: JsonPropertyName("allocatedBytes")] double AllocatedBytes,
    [property: JsonPropertyName("cpuMsPerRequest")] double CpuMsPerRequest,
    [property: JsonPropertyName("requests")] int Requests);
