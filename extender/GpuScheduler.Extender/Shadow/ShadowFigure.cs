using System.Collections.Immutable;
using GpuScheduler.Extender.Observability;

namespace GpuScheduler.Extender.Shadow;

/// <summary>A figure of a side, by the name that it has in answers: the one list of what is compared.</summary>
/// <param name="Name">The name.</param>
/// <param name="Of">Its value; null when it is not known, or there is nothing to count.</param>
internal sealed record ShadowFigure(string Name, Func<SideFigures, double?> Of)
{
    /// <summary>All figures.</summary>
    public static ImmutableArray<ShadowFigure> All { get; } =
    [
        new("allocatedGpus", s => s.AllocatedGpus),
        new("idleGpus", s => s.IdleGpus),
        new("idleWholeGpus", s => s.IdleBy[GpusLeft.Whole]),
        new("idleShareGpus", s => s.IdleBy[GpusLeft.Share]),
        new("idleMigGpus", s => s.IdleBy[GpusLeft.Mig]),
        new("strandedGpus", s => s.IdleBy[GpusLeft.Stranded]),
        new("waitingPods", s => s.WaitingPods),
        new("waitingGangs", s => s.WaitingGangs),
        new("waitingGpus", s => s.WaitingGpus),
        new("refusedPods", s => s.RefusedPods),
        new("refusedGangs", s => s.RefusedGangs),
        new("displacedPods", s => s.DisplacedPods),
        new("linkRatio", s => s.LinkRatio),
        new("gangSpread", s => s.GangSpread),
        new("decisionSeconds", s => s.DecisionSeconds),
    ];
}
