namespace GpuScheduler.Core.Gangs;

/// <summary>How long a solver may think. It is asked as work goes on, so that a test can let it end at any step.</summary>
public sealed class SolveLimit
{
    private readonly TimeProvider _time;
    private readonly long _start;

    /// <summary>A limit that starts now.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="limit">How long.</param>
    /// <param name="cancellation">Ends it at once: the best answer so far is given, no exception.</param>
    public SolveLimit(TimeProvider time, TimeSpan limit, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(time);
        _time = time;
        _start = time.GetTimestamp();
        Limit = limit;
        Cancellation = cancellation;
    }

    private SolveLimit(SolveLimit whole, TimeSpan limit)
    {
        _time = whole._time;
        _start = whole._start;
        Limit = limit;
        Cancellation = whole.Cancellation;
        Work = whole.Work;
    }

    /// <summary>The whole time.</summary>
    public TimeSpan Limit { get; }

    /// <summary>Ends it early.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Most work of the optimizer, in its deterministic units (about seconds), for answers that can be reproduced; null for no such limit.</summary>
    public double? Work { get; init; }

    /// <summary>A limit that ends earlier, so that something is left for what comes after.</summary>
    public SolveLimit Less(TimeSpan reserve) => new(this, Limit - reserve);

    /// <summary>A limit that ends after a part of the whole time.</summary>
    public SolveLimit Part(double share) => new(this, Limit * share);

    /// <summary>Time since the start.</summary>
    public TimeSpan Elapsed => _time.GetElapsedTime(_start);

    /// <summary>What is left; zero when it is over.</summary>
    public TimeSpan Left
    {
        get
        {
            var left = Cancellation.IsCancellationRequested ? TimeSpan.Zero : Limit - Elapsed;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>True when an answer is due.</summary>
    public bool IsOver => Left == TimeSpan.Zero;
}
