using GpuScheduler.Simulator.Runs;

namespace GpuScheduler.Simulator.Bounds;

/// <summary>What no placement exceeds for one order of arrival, if it has placed every shared pod that came before the premise.</summary>
/// <param name="PlacedBefore">The premise: every pod on shared cards among so many first arrivals is placed.</param>
/// <param name="PremiseLoad">The same as a load in % of the cluster's GPUs; null when it is all that arrive.</param>
/// <param name="Points">The bound by load in whole percent; loads that are not reached are missing.</param>
internal sealed record FillLimit(int PlacedBefore, double? PremiseLoad, IReadOnlyDictionary<int, LimitPoint> Points)
{
    /// <summary>The bound at a load; null when the load is not reached.</summary>
    public LimitPoint? At(int load) => Points.TryGetValue(load, out var point) ? point : null;

    /// <summary>True when a run kept the premise, so that the bound holds for it.</summary>
    public bool HoldsFor(FillOutcome run) => run.FirstSharedRefusal is not { } refusal || refusal.Arrival >= PlacedBefore;
}
