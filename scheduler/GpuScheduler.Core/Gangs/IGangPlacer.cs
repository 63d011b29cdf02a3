namespace GpuScheduler.Core.Gangs;

/// <summary>Places single gangs. Thread-safe; a problem that is not well formed is an <see cref="ArgumentException"/>.</summary>
public interface IGangPlacer
{
    /// <summary>Places one gang, and answers within the limit.</summary>
    GangPlan Place(GangProblem problem, SolveLimit limit);
}
