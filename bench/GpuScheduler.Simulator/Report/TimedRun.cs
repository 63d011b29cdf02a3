namespace GpuScheduler.Simulator.Report;

/// <summary>A timed run (pods arrive, wait, run and leave) of one policy at one load with one seed.</summary>
internal sealed record TimedRun
{
    /// <summary>The seed of the arrivals.</summary>
    public required long Seed { get; init; }

    /// <summary>Offered load in % of the cluster's GPUs.</summary>
    public required double LoadPercent { get; init; }

    /// <summary>How long each pod (or gang) waited from arrival to start, in seconds, in any order; those that started only.</summary>
    public IReadOnlyList<double> WaitSeconds { get; init; } = [];

    /// <summary>Pods (or gangs) that had not started when the run ended. They count as waiting longer than any other.</summary>
    public int NeverStarted { get; init; }

    /// <summary>Allocation by ascending time; may be empty.</summary>
    public IReadOnlyList<TimePoint> Allocation { get; init; } = [];
}
