namespace GpuScheduler.Simulator.Report;

/// <summary>Waiting times of one or several runs. Pods that never started wait longer than any that did.</summary>
internal sealed class WaitQuantiles
{
    private readonly double[] _sorted;

    /// <summary>Pools these runs.</summary>
    public WaitQuantiles(IEnumerable<TimedRun> runs)
    {
        var waits = new List<double>();
        foreach (var run in runs)
        {
            waits.AddRange(run.WaitSeconds.Where(double.IsFinite));
            NeverStarted += run.NeverStarted;
        }

        _sorted = [.. waits.Order()];
    }

    /// <summary>Pods that started.</summary>
    public int Started => _sorted.Length;

    /// <summary>Pods that had not started when their run ended.</summary>
    public long NeverStarted { get; }

    /// <summary>Mean wait of those that started, in seconds; null when none did.</summary>
    public double? Mean => _sorted.Length == 0 ? null : _sorted.Average();

    /// <summary>Longest wait of those that started, in seconds; null when none did.</summary>
    public double? Longest => _sorted.Length == 0 ? null : _sorted[^1];

    /// <summary>The wait that a share of all pods did not exceed, in seconds; null when it falls on one that never started.</summary>
    /// <param name="share">More than 0, at most 1.</param>
    public double? At(double share)
    {
        var rank = (long)Math.Ceiling(share * (_sorted.Length + NeverStarted)) - 1;
        return rank >= 0 && rank < _sorted.Length ? _sorted[rank] : null;
    }

    /// <summary>Share of all pods, in %, that had started after this many seconds; NaN when there is no pod.</summary>
    public double StartedWithin(double seconds)
    {
        var all = _sorted.Length + NeverStarted;
        var low = 0;
        var high = _sorted.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _sorted[middle] <= seconds ? (middle + 1, high) : (low, middle);
        }

        return all == 0 ? double.NaN : 100.0 * low / all;
    }
}
