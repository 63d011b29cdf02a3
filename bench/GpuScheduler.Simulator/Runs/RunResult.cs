using GpuScheduler.Simulator.Bounds;
using GpuScheduler.Simulator.Report;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Runs;

/// <summary>What came out of a run.</summary>
internal sealed record RunResult(RunKey Key)
{
    /// <summary>Where the order came from.</summary>
    public required ArrivalOrigin Origin { get; init; }

    /// <summary>The order itself, in fill-up mode.</summary>
    public Arrivals? Arrivals { get; init; }

    /// <summary>What bounds it from above, where that was asked for and is known.</summary>
    public FillLimit? Limit { get; init; }

    /// <summary>In fill-up mode.</summary>
    public FillOutcome? Fill { get; init; }

    /// <summary>In timed mode.</summary>
    public TimedOutcome? Timed { get; init; }

    /// <summary>The nodes at the end, where it was asked for.</summary>
    public ClusterMap? Map { get; init; }

    /// <summary>How long the run took, the building of its cluster included.</summary>
    public double WallSeconds { get; init; }

    /// <summary>Most memory that the process had up to the end of the run, in MiB: with several threads, that of several runs.</summary>
    public double PeakMemoryMiB { get; init; }
}
