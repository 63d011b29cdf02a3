namespace GpuScheduler.Extender.ExternalMetrics;

/// <summary>A value of an external metric.</summary>
/// <param name="Labels">Its labels, by which it is selected.</param>
/// <param name="Milli">The value in thousandths.</param>
internal sealed record ExternalMetric(IReadOnlyDictionary<string, string> Labels, long Milli);
