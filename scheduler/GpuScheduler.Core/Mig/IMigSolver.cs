using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Mig;

/// <summary>Finds the best cut.</summary>
public interface IMigSolver
{
    /// <summary>The best plan that is found within the limit; never worse than <see cref="MigGreedy"/>'s, nor than the one given.</summary>
    /// <param name="problem">The question.</param>
    /// <param name="limit">How long.</param>
    /// <param name="known">A plan that is known already; null for none.</param>
    MigPlan Repack(MigProblem problem, SolveLimit limit, MigPlan? known = null);
}
