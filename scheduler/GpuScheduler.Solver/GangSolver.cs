using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver.Batch;
using GpuScheduler.Solver.CpSat;
using GpuScheduler.Solver.Eviction;
using GpuScheduler.Solver.Roles;

namespace GpuScheduler.Solver;

/// <summary>
/// The portfolio: for gangs of identical pods, and of several roles where combinations are few, exact programs over the network tree;
/// for the rest the optimizer CP-SAT, on one thread of its own, begun with a greedy plan.
/// </summary>
public sealed class GangSolver : IGangSolver, IDisposable
{
    private readonly TreeGangPlacer _tree = new();
    private readonly CpSatThread _thread = new();

    /// <summary>Loads the optimizer and solves a small model, so that the first question does not pay for it (a tenth of a second, and 40 MB). To be called at start.</summary>
    public void WarmUp() => _thread.WarmUp();

    /// <inheritdoc/>
    public GangPlan Place(GangProblem problem, SolveLimit limit)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(limit);
        Check(problem.Fault(), nameof(problem));
        if (TreeGangPlacer.Handles(problem))
        {
            return _tree.Place(problem, limit);
        }

        IRoleSearch search = RoleTables.Handles(new RoleReach(problem)) ? new RoleTables() : new CpSatRoleSearch(_thread);
        return new RolePlacer(problem, search, limit).Place();
    }

    /// <inheritdoc/>
    public GangBatchPlan PlaceAll(GangBatch batch, SolveLimit limit)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(limit);
        Check(batch.Fault(), nameof(batch));
        return new BatchPlacer(batch, _tree, _thread, limit).Place();
    }

    /// <inheritdoc/>
    public EvictionPlan MakeRoom(EvictionProblem problem, SolveLimit limit)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(limit);
        Check(problem.Fault(), nameof(problem));
        return new EvictionPlanner(problem, Place, _tree, _thread, limit).MakeRoom();
    }

    /// <summary>Ends the optimizer's thread; what it is at is ended soon.</summary>
    public void Dispose() => _thread.Dispose();

    private static void Check(string? fault, string name)
    {
        if (fault is not null)
        {
            throw new ArgumentException(fault, name);
        }
    }
}
