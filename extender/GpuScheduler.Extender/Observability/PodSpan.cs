using System.Diagnostics;
using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Extender.Observability;

/// <summary>The part of a pod's trace that is one call.</summary>
internal sealed class PodSpan(Activity span, PodTraces traces, string uid) : IDisposable
{
    /// <summary>Reasons that a span names; the most frequent.</summary>
    private const int MostReasons = 8;

    public void Filtered(int passed, ReadOnlySpan<Status> statuses)
    {
        span.SetTag("gpuscheduler.nodes.offered", statuses.Length);
        span.SetTag("gpuscheduler.nodes.passed", passed);
        var reasons = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var status in statuses)
        {
            if (!status.IsSuccess)
            {
                reasons[status.Reason] = reasons.GetValueOrDefault(status.Reason) + 1;
            }
        }

        if (reasons.Count > 0)
        {
            span.SetTag("gpuscheduler.refusals", reasons.OrderByDescending(r => r.Value).ThenBy(r => r.Key, StringComparer.Ordinal).Take(MostReasons)
                .Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Value}: {r.Key}")).ToArray());
        }
    }

    public void Prioritized(Snapshot snapshot, ReadOnlySpan<int> candidates, ReadOnlySpan<int> scores)
    {
        var best = -1;
        for (var i = 0; i < scores.Length; i++)
        {
            best = best < 0 || scores[i] > scores[best] ? i : best;
        }

        span.SetTag("gpuscheduler.nodes.offered", scores.Length);
        if (best >= 0 && candidates[best] >= 0 && snapshot.Nodes[candidates[best]] is { } node)
        {
            span.SetTag(PodTraces.Node, node.Facts.Name);
        }
    }

    public void Bound(string node, DeviceAssignment devices, string error)
    {
        span.SetTag(PodTraces.Node, node);
        if (error.Length > 0)
        {
            span.SetStatus(ActivityStatusCode.Error, error);
            return;
        }

        span.SetTag(PodTraces.Devices, devices.ToAnnotation());
        span.Stop();
        traces.PodBound(uid, node, devices);
    }

    public void Dispose() => span.Dispose();
}
