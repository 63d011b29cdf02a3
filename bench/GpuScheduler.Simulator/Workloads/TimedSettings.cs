namespace GpuScheduler.Simulator.Workloads;

/// <summary>How the arrivals of a timed run are made.</summary>
internal sealed record TimedSettings
{
    /// <summary>
    /// True: pods are picked at random from the trace, and arrive as a Poisson process. False: as the trace says. Null: as the trace
    /// says where it has times.
    /// </summary>
    public bool? Poisson { get; init; }

    /// <summary>
    /// True: the run begins with as many pods running as the load has on average. False: it begins empty. Null: begins with pods where a
    /// load is asked for.
    /// </summary>
    public bool? Stationary { get; init; }

    /// <summary>Pods to pick; 0 for as many as the trace has.</summary>
    public int Count { get; init; }

    /// <summary>How long a pod runs whose trace does not say, in milliseconds.</summary>
    public long DurationMs { get; init; } = 3_600_000;

    /// <summary>First part of the time from first to last arrival that is left out of the mean allocation, from 0 to 1.</summary>
    public double WarmUp { get; init; } = 0.2;
}
