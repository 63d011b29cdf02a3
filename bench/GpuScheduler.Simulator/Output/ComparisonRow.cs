using GpuScheduler.Simulator.Bounds;
using GpuScheduler.Simulator.Runs;

namespace GpuScheduler.Simulator.Output;

/// <summary>The runs of a policy on a trace, and at a load, summed up over their seeds.</summary>
/// <param name="Trace">Name of the trace.</param>
/// <param name="Load">Offered load in % in timed mode.</param>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Runs">The runs, by seed.</param>
internal sealed record ComparisonRow(string Trace, double? Load, string Policy, IReadOnlyList<RunResult> Runs)
{
    /// <summary>Allocation at 100 % arrived, in %.</summary>
    public MeanAndDeviation At100 => MeanAndDeviation.Of(Runs.Select(r => r.Fill?.At(100)?.Allocation));

    /// <summary>Allocation at 130 % arrived, in %.</summary>
    public MeanAndDeviation At130 => MeanAndDeviation.Of(Runs.Select(r => r.Fill?.At(130)?.Allocation));

    /// <summary>Idle GPUs at 100 % arrived.</summary>
    public MeanAndDeviation IdleAt100 => MeanAndDeviation.Of(Runs.Select(r => r.Fill?.At(100)?.IdleGpus));

    /// <summary>Idle GPUs at 130 % arrived.</summary>
    public MeanAndDeviation IdleAt130 => MeanAndDeviation.Of(Runs.Select(r => r.Fill?.At(130)?.IdleGpus));

    /// <summary>Upper bound of the allocation at 100 % arrived, in %; see <see cref="FillLimit"/> for what it supposes.</summary>
    public MeanAndDeviation BoundAt100 => MeanAndDeviation.Of(Runs.Select(r => r.Limit?.At(100)?.Allocation));

    /// <summary>Upper bound of the allocation at 130 % arrived, in %.</summary>
    public MeanAndDeviation BoundAt130 => MeanAndDeviation.Of(Runs.Select(r => r.Limit?.At(130)?.Allocation));

    /// <summary>Idle GPUs at 130 % arrived by the upper bound.</summary>
    public MeanAndDeviation BoundIdleAt130 => MeanAndDeviation.Of(Runs.Select(r => r.Limit?.At(130)?.IdleGpus));

    /// <summary>Pods that found no node, or never started.</summary>
    public MeanAndDeviation Failed => MeanAndDeviation.Of(Runs.Select(r => (double?)(r.Fill?.Failed ?? r.Timed?.NeverStarted)));

    /// <summary>Share of the idle GPUs that typical pods cannot use, at 130 % arrived, in %.</summary>
    public MeanAndDeviation FragmentRatioAt130 => MeanAndDeviation.Of(Runs.Select(r => r.Fill?.At(130)?.FragmentRatio));

    /// <summary>Mean allocation over time, in %.</summary>
    public MeanAndDeviation MeanAllocation => MeanAndDeviation.Of(Runs.Select(r => r.Timed?.MeanAllocation));

    /// <summary>Mean wait in milliseconds.</summary>
    public MeanAndDeviation MeanWait => MeanAndDeviation.Of(Runs.Select(r => r.Timed?.MeanWaitMs));

    /// <summary>Pods that waited when the last one arrived.</summary>
    public MeanAndDeviation Waiting => MeanAndDeviation.Of(Runs.Select(r => (double?)r.Timed?.WaitingAtEnd));

    /// <summary>Wall time of a run, in seconds.</summary>
    public MeanAndDeviation WallSeconds => MeanAndDeviation.Of(Runs.Select(r => (double?)r.WallSeconds));

    /// <summary>A quantile of the waits, in milliseconds.</summary>
    public MeanAndDeviation Wait(double part) => MeanAndDeviation.Of(Runs.Select(r => r.Timed?.Quantile(part)));

    /// <summary>Mean wait of gangs in milliseconds.</summary>
    public MeanAndDeviation GangWait => MeanAndDeviation.Of(Runs.Select(r => r.Timed?.Gangs?.Waits.MeanMs));

    /// <summary>A quantile of the waits of gangs, in milliseconds.</summary>
    public MeanAndDeviation GangWaitAt(double part) => MeanAndDeviation.Of(Runs.Select(r => r.Timed?.Gangs?.Waits.Quantile(part)));

    /// <summary>Racks that a gang is spread over.</summary>
    public MeanAndDeviation GangRacks => MeanAndDeviation.Of(Runs.Select(r => r.Timed?.Gangs?.Racks));

    /// <summary>Nodes of a gang.</summary>
    public MeanAndDeviation GangNodes => MeanAndDeviation.Of(Runs.Select(r => r.Timed?.Gangs?.Nodes));

    /// <summary>Gangs that never started.</summary>
    public MeanAndDeviation GangsFailed => MeanAndDeviation.Of(Runs.Select(r => (double?)r.Timed?.Gangs?.Waits.NeverStarted));

    /// <summary>Sums up results by trace, load and policy, in the order in which they come.</summary>
    public static IReadOnlyList<ComparisonRow> Of(IEnumerable<RunResult> results) =>
    [
        .. results.GroupBy(r => (r.Key.Trace, r.Key.Load, r.Key.Policy)).Select(g => new ComparisonRow(g.Key.Trace.Name, g.Key.Load, g.Key.Policy, [.. g])),
    ];

    /// <summary>
    /// Idle GPUs at a load over those of the better of FGD and FirstFit on the same trace; null when neither was run, or the load was
    /// not reached.
    /// </summary>
    public static double? IdleRatio(ComparisonRow row, IReadOnlyList<ComparisonRow> all, Func<ComparisonRow, MeanAndDeviation> idle)
    {
        var baselines = all.Where(r => r.Trace == row.Trace && PolicyNames.Baselines.Contains(r.Policy)).Select(r => idle(r).Mean).Where(double.IsFinite).ToList();
        return baselines.Count > 0 && baselines.Min() is > 0 and var best && double.IsFinite(idle(row).Mean) ? idle(row).Mean / best : null;
    }
}
