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

    /// <summary>What was run.</summary>
    public ReportPolicy Policy { get; }

    /// <summary>How it is drawn.</summary>
    public PolicyStyle Style { get; }

    /// <summary>Allocated share when 100 % had arrived, in %; null when no run has it.</summary>
    public Spread? AllocationAt100 { get; }

    /// <summary>Allocated share at the end, in %; null when no run has it.</summary>
    public Spread? AllocationAtEnd { get; }

    /// <summary>GPUs idle at the end; null when no run has it.</summary>
    public Spread? IdleGpus { get; }

    /// <summary>Pods that found no node; null without fill-up runs.</summary>
    public Spread? FailedPods { get; }

    /// <summary>Elapsed seconds of a run; null when not told.</summary>
    public Spread? WallSeconds { get; }

    /// <summary>Peak memory of the process in MiB; null when not told.</summary>
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
