using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using GpuScheduler.Extender.Metrics;

namespace GpuScheduler.Extender.Shadow;

/// <summary>What /metrics shows of the comparison, as of the last look.</summary>
internal sealed class ShadowMetrics : IDisposable
{
    private readonly Meter _meter = new(ExtenderMetrics.MeterName);
    private readonly Counter<long> _ends;

    public ShadowMetrics(string profile, ShadowFeed feed, Func<ShadowView?> view)
    {
        _ends = _meter.CreateCounter<long>("gpu_scheduler.shadow.ends", null, "Comparisons of the shadow that ended, by reason.");
        _meter.CreateObservableGauge("gpu_scheduler.shadow.running", () => new Measurement<int>(view() is null ? 0 : 1, new KeyValuePair<string, object?>("profile", profile)), null, "1 while the shadow compares.");
        _meter.CreateObservableGauge("gpu_scheduler.shadow.queue", () => feed.Count, null, "Changes of the cluster that the shadow has still to follow.");
        BySide("allocated_gpus", "GPUs in use, by side; parts count as parts.", s => s.AllocatedGpus);
        _meter.CreateObservableGauge("gpu_scheduler.shadow.idle_gpus", () => Sides(view()).SelectMany(s => s.Figures.IdleBy.Select(
            l => new Measurement<double>(l.Value, new("side", s.Name), new("left", l.Key)))), null, "What is left on healthy GPUs, in GPUs, by side and by what can be made of it.");
        BySide("waiting_pods", "Pods that want GPUs and have no place, by side.", s => s.WaitingPods);
        BySide("waiting_gangs", "Gangs of which some member is among them, by side.", s => s.WaitingGangs);
        BySide("waiting_gpus", "GPUs that these pods want, by side.", s => s.WaitingGpus);
        BySide("refused_pods", "Pods that had no place at first, since the comparison began, by side.", s => s.RefusedPods);
        BySide("refused_gangs", "Gangs that had no place at some time, since the comparison began, by side.", s => s.RefusedGangs);
        BySide("link_ratio", "Mean score for topology of the pods with several GPUs that arrived since the comparison began, by side.", s => s.LinkRatio);
        BySide("gang_spread_ratio", "Network domains that gangs are in over the least possible, by side.", s => s.GangSpread);
        BySide("decision", "Median time of the last decisions, by side.", s => s.DecisionSeconds, "s");
        _meter.CreateObservableGauge("gpu_scheduler.shadow.difference", () => view() is { } now
            ? ShadowFigure.All.Where(f => now.Difference(f) is not null).Select(f => new Measurement<double>(now.Difference(f)!.Value, new KeyValuePair<string, object?>("figure", f.Name)))
            : [], null, "A figure of the shadow less that of the side it is compared with.");
        _meter.CreateObservableGauge("gpu_scheduler.shadow.pods", () => view() is { Places: var places }
            ? new[] { ("same", places.Same), ("elsewhere", places.Elsewhere), ("reference-only", places.ReferenceOnly), ("shadow-only", places.ShadowOnly) }
                .Select(p => new Measurement<int>(p.Item2, new KeyValuePair<string, object?>("placed", p.Item1)))
            : [], null, "Pods that arrived since the comparison began, by where the two sides have them.");

        void BySide(string name, string description, Func<SideFigures, double?> value, string? unit = null) => _meter.CreateObservableGauge(
            $"gpu_scheduler.shadow.{name}",
            () => Sides(view()).Where(s => value(s.Figures) is not null).Select(s => new Measurement<double>(value(s.Figures)!.Value, new KeyValuePair<string, object?>("side", s.Name))),
            unit, description);
    }

    public void Ended(ShadowEnd why) => _ends.Add(1, new KeyValuePair<string, object?>("reason", Word(why)));

    /// <summary>A reason or state as answers have it.</summary>
    public static string Word(Enum value) => value.ToString().ToLowerInvariant();

    public void Dispose() => _meter.Dispose();

    private static ImmutableArray<(string Name, SideFigures Figures)> Sides(ShadowView? view) => view is null ? [] : view.Sides;
}
