using GpuScheduler.Simulator.Runs;

namespace GpuScheduler.Simulator.Output;

/// <summary>The figures of a run, by the names that they have in every output.</summary>
internal static class Figures
{
    /// <summary>The figures, rounded to three decimals; null for one that the run did not reach.</summary>
    public static IReadOnlyList<(string Name, double? Value)> Of(RunResult result) =>
        [.. Exactly(result).Concat(Limits(result)).Select(f => (f.Name, f.Value is { } value && double.IsFinite(value) ? Math.Round(value, 3) : (double?)null))];

    private static (string Name, double? Value)[] Exactly(RunResult result)
    {
        if (result.Timed is { } timed)
        {
            return
            [
                ("load", timed.OfferedPercent),
                ("meanAllocation", timed.MeanAllocation),
                ("waitMeanSeconds", timed.MeanWaitMs / 1000),
                ("waitMedianSeconds", timed.Quantile(0.5) / 1000),
                ("waitP95Seconds", timed.Quantile(0.95) / 1000),
                ("waitMaxSeconds", timed.Quantile(1) / 1000),
                ("arrivedPods", timed.Arrived),
                ("waitingAtEnd", timed.WaitingAtEnd),
                ("failedPods", timed.NeverStarted),
                .. GangsOf(timed.Gangs),
            ];
        }

        var fill = result.Fill!;
        var (at100, at130) = (fill.At(100), fill.At(130));
        return
        [
            ("allocationAt100", at100?.Allocation),
            ("allocationAt130", at130?.Allocation),
            ("idleGpusAt130", at130?.IdleGpus),
            ("failedPods", fill.Failed),
            ("arrivedPods", fill.Arrived),
            ("idleGpusAt100", at100?.IdleGpus),
            ("fragRatioAt100", at100?.FragmentRatio),
            ("fragRatioAt130", at130?.FragmentRatio),
            ("usedMilliGpu", fill.UsedMilli),
            ("cardsInUse", fill.CardsInUse),
        ];
    }

    /// <summary>Nothing where no gang arrived.</summary>
    private static (string Name, double? Value)[] GangsOf(GangOutcomes? gangs) => gangs is null ? [] :
    [
        ("gangs", gangs.Waits.Arrived),
        ("gangWaitMeanSeconds", gangs.Waits.MeanMs / 1000),
        ("gangWaitMedianSeconds", gangs.Waits.Quantile(0.5) / 1000),
        ("gangWaitP95Seconds", gangs.Waits.Quantile(0.95) / 1000),
        ("gangsNeverStarted", gangs.Waits.NeverStarted),
        ("racksPerGang", gangs.Racks),
        ("nodesPerGang", gangs.Nodes),
    ];

    /// <summary>How the run stands to the bound; nothing for one that was not bounded.</summary>
    private static (string Name, double? Value)[] Limits(RunResult result)
    {
        if (result is not { Limit: { } limit, Fill: { } fill })
        {
            return [];
        }

        var (at100, at130) = (limit.At(100), limit.At(130));
        return
        [
            ("boundAt100", at100?.Allocation),
            ("boundAt130", at130?.Allocation),
            ("boundIdleGpusAt130", at130?.IdleGpus),
            ("gapAt130", at130?.Allocation - fill.At(130)?.Allocation),
            ("boundPremiseLoad", limit.PremiseLoad),
            ("firstSharedRefusalLoad", fill.FirstSharedRefusal?.LoadPercent),
            ("absoluteBoundAt100", at100?.Absolute),
            ("absoluteBoundAt130", at130?.Absolute),
        ];
    }
}
