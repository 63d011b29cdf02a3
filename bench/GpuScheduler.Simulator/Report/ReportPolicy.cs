namespace GpuScheduler.Simulator.Report;

/// <summary>One policy's results in a scenario.</summary>
internal sealed record ReportPolicy
{
    /// <summary>Id as on the command line, e.g. "fgd".</summary>
    public required string Id { get; init; }

    /// <summary>Name as shown, e.g. "FGD".</summary>
    public required string Name { get; init; }

    /// <summary>True for the engine's own policy, which is drawn to stand out.</summary>
    public bool Own { get; init; }

    /// <summary>Fill-up runs, one per seed.</summary>
    public IReadOnlyList<ReportRun> Runs { get; init; } = [];

    /// <summary>Timed runs, one per load and seed.</summary>
    public IReadOnlyList<TimedRun> TimedRuns { get; init; } = [];

    /// <summary>The nodes at the end of one run; null leaves the map out.</summary>
    public ClusterMap? Map { get; init; }
}
