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

    /// <summary>The whole time.</summary>
    public TimeSpan Limit { get; }

    /// <summary>Ends it early.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Most work of the optimizer, in its deterministic units (about seconds), for answers that can be reproduced; null for no such limit.</summary>
    public double? Work { get; init; }

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
