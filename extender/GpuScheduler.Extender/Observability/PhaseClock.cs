using System.Diagnostics;
using GpuScheduler.Extender.Metrics;

namespace GpuScheduler.Extender.Observability;

/// <summary>Measures the phases of one call, one after the other.</summary>
internal struct PhaseClock(ExtenderMetrics metrics, string verb)
{
    private long _began = Stopwatch.GetTimestamp();

    /// <summary>A phase has ended, and the next begins.</summary>
    public void Ended(string phase)
    {
        var now = Stopwatch.GetTimestamp();
        metrics.Phase(verb, phase, Stopwatch.GetElapsedTime(_began, now));
        _began = now;
    }
}
