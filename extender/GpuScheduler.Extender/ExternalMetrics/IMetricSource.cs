using System.Collections.Immutable;

namespace GpuScheduler.Extender.ExternalMetrics;

/// <summary>What external metrics are read from.</summary>
internal interface IMetricSource
{
    /// <summary>All metrics there are.</summary>
    ImmutableArray<string> Names { get; }

    /// <summary>The values of a metric that are selected, which an autoscaler adds up; null when there is no such metric.</summary>
    IReadOnlyList<ExternalMetric>? Find(string name, string podNamespace, LabelSelector selector);
}
