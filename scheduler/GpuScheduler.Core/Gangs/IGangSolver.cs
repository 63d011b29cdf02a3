namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Places gangs, each answer with its proof. Answers come within the limit and are never worse than a greedy plan that is made first.
/// Thread-safe; a question that is not well formed is an <see cref="ArgumentException"/>.
/// </summary>
public interface IGangSolver
{
    /// <summary>Places one gang.</summary>
    GangPlan Place(GangProblem problem, SolveLimit limit);

    /// <summary>Places several waiting gangs at once: those whose weights add up to the most.</summary>
    GangBatchPlan PlaceAll(GangBatch batch, SolveLimit limit);

    /// <summary>The cheapest whole jobs whose eviction makes room for a gang that has none.</summary>
    EvictionPlan MakeRoom(EvictionProblem problem, SolveLimit limit);
}
