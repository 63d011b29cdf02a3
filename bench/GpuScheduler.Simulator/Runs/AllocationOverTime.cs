using GpuScheduler.Simulator.Report;

namespace GpuScheduler.Simulator.Runs;

/// <summary>Averages the allocation over time: over the time after a warm-up, and over equal parts of the whole.</summary>
internal sealed class AllocationOverTime(long spanMs, double warmUp, long capacityMilli, int parts)
{
    private readonly double[] _used = new double[parts];
    private readonly long _warm = (long)(spanMs * warmUp);
    private double _afterWarmUp;
    private long _now;

    /// <summary>Mean after the warm-up, in %.</summary>
    public double Mean => spanMs > _warm && capacityMilli > 0 ? 100 * _afterWarmUp / ((double)(spanMs - _warm) * capacityMilli) : 0;

    /// <summary>Mean over each part, at its middle, in %.</summary>
    public IReadOnlyList<TimePoint> Points => [.. _used.Select((used, part) =>
        new TimePoint((StartOf(part) + StartOf(part + 1)) / 2000.0, StartOf(part + 1) > StartOf(part) ? 100 * used / ((double)(StartOf(part + 1) - StartOf(part)) * capacityMilli) : 0))];

    /// <summary>Until a moment, so much was in use. What lies behind the last arrival does not count.</summary>
    public void Advance(long to, long usedMilli)
    {
        to = Math.Min(to, spanMs);
        _afterWarmUp += (double)usedMilli * Math.Max(0, to - Math.Max(_now, _warm));
        while (_now < to)
        {
            var part = (int)((Int128)_now * parts / spanMs);
            while (StartOf(part + 1) <= _now)
            {
                part++;
            }

            var end = Math.Min(to, StartOf(part + 1));
            _used[part] += (double)usedMilli * (end - _now);
            _now = end;
        }
    }

    private long StartOf(int part) => (long)((Int128)spanMs * part / parts);
}
