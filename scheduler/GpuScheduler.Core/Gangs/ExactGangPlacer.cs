namespace GpuScheduler.Core.Gangs;

/// <summary>
/// What can be placed without an optimizer: gangs of one role, and of several where combinations are few. Of others it says that it
/// cannot tell. For hosts that do not have <c>GpuScheduler.Solver</c>.
/// </summary>
public sealed class ExactGangPlacer : IGangPlacer
{
    private readonly TreeGangPlacer _tree = new();

    /// <inheritdoc/>
    public GangPlan Place(GangProblem problem, SolveLimit limit)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(limit);
        if (problem.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(problem));
        }

        if (TreeGangPlacer.Handles(problem))
        {
            return _tree.Place(problem, limit);
        }

        return RoleTables.Handles(new RoleReach(problem))
            ? new RolePlacer(problem, new RoleTables(), limit).Place()
            : new GangPlan { Proof = new Proof(ProofStatus.Undecided, "none", 0, 0, "its members ask for too many different things to be placed without the optimizer", limit.Elapsed) };
    }
}
