namespace GpuScheduler.Simulator.Report;

/// <summary>What a policy reached in a scenario, over its seeds.</summary>
internal sealed class PolicyFigures
{
    private PolicyFigures(ReportPolicy policy, PolicyStyle style)
    {
        Policy = policy;
        Style = style;
        AllocationAt100 = Spread.Of(policy.Runs.Select(r => r.AllocationAt100));
        AllocationAtEnd = Spread.Of(policy.Runs.Select(r => r.AllocationAtEnd));
        IdleGpus = Spread.Of(policy.Runs.Select(r => r.IdleGpusAtEnd));
        FailedPods = Spread.Of(policy.Runs.Select(r => (double?)r.FailedPods));
        WallSeconds = Spread.Of(policy.Runs.Select(r => r.WallSeconds));
        PeakMemoryMiB = Spread.Of(policy.Runs.Select(r => r.PeakMemoryMiB));
        Waits = policy.TimedRuns.GroupBy(r => r.LoadPercent).OrderBy(g => g.Key).ToDictionary(g => g.Key, g => new WaitQuantiles(g));
    }

    public ReportPolicy Policy { get; }

    public PolicyStyle Style { get; }

    public Spread? AllocationAt100 { get; }

    public Spread? AllocationAtEnd { get; }

    public Spread? IdleGpus { get; }

    public Spread? FailedPods { get; }

    public Spread? WallSeconds { get; }

    public Spread? PeakMemoryMiB { get; }

    /// <summary>Waiting times by load, all seeds together.</summary>
    public IReadOnlyDictionary<double, WaitQuantiles> Waits { get; }

    /// <summary>Idle GPUs (mean) for each that the better of the baselines leaves; null without a baseline, or when that leaves none.</summary>
    public double? IdleRatio { get; private set; }

    /// <summary>The figures of all policies of a scenario.</summary>
    public static IReadOnlyList<PolicyFigures> Of(ReportModel model, ReportScenario scenario, IReadOnlyDictionary<string, PolicyStyle> styles)
    {
        var all = scenario.Policies.Select(p => new PolicyFigures(p, styles[p.Id])).ToArray();
        if (Baseline(model, all)?.IdleGpus is { Mean: > 0 } least)
        {
            foreach (var figures in all)
            {
                figures.IdleRatio = figures.IdleGpus?.Mean / least.Mean;
            }
        }

        return all;
    }

    /// <summary>The better of the baselines; null when the scenario has none.</summary>
    public static PolicyFigures? Baseline(ReportModel model, IReadOnlyList<PolicyFigures> all) =>
        all.Where(f => f.IdleGpus is not null && model.Baselines.Contains(f.Policy.Id)).MinBy(f => f.IdleGpus!.Value.Mean);
}
