namespace GpuScheduler.Simulator.Report;

/// <summary>A fill-up run of one policy with one seed.</summary>
internal sealed record ReportRun
{
    /// <summary>The seed of the arrival order.</summary>
    public required long Seed { get; init; }

    /// <summary>Curve by ascending load; usually a point for each percent. May be empty.</summary>
    public IReadOnlyList<CurvePoint> Curve { get; init; } = [];

    /// <summary>Allocated share of the cluster's GPUs when 100 % had arrived, in %; null when the run ended before.</summary>
    public double? AllocationAt100 { get; init; }

    /// <summary>Allocated share of the cluster's GPUs at <see cref="ReportScenario.EndLoadPercent"/>, in %.</summary>
    public double? AllocationAtEnd { get; init; }

    /// <summary>GPUs idle at the end, fractions of shared cards included.</summary>
    public double? IdleGpusAtEnd { get; init; }

    /// <summary>The same, by what is left on the card; null when not recorded.</summary>
    public IdleByRemainder? Idle { get; init; }

    /// <summary>Pods that found no node.</summary>
    public int FailedPods { get; init; }

    /// <summary>Elapsed time of the run in seconds; null leaves it out, which reproducible output needs.</summary>
    public double? WallSeconds { get; init; }

    /// <summary>Peak memory of the process in MiB; null leaves it out.</summary>
    public double? PeakMemoryMiB { get; init; }
}
