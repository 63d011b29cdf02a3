namespace GpuScheduler.Solver.CpSat;

/// <summary>Outcome of an optimization.</summary>
internal enum CpSatStatus
{
    /// <summary>Nothing is known.</summary>
    Unknown,

    /// <summary>A solution, not proven to be the best.</summary>
    Feasible,

    /// <summary>The best solution.</summary>
    Optimal,

    /// <summary>There is no solution.</summary>
    Infeasible,
}
