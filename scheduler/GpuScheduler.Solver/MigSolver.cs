using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Solver.CpSat;
using GpuScheduler.Solver.Mig;

namespace GpuScheduler.Solver;

/// <summary>Repacks MIG layouts: greedily, then with the optimizer CP-SAT, begun with the better of the plans known, on a thread of its own.</summary>
public sealed class MigSolver : IMigSolver, IDisposable
{
    /// <summary>Worth above which the optimizer's 64 bits may not do; no cluster comes near it.</summary>
    private const long MostWorth = 1L << 40;

    private readonly Lazy<CpSatThread> _thread = new(() => new CpSatThread());

    /// <summary>How many variables the last model had, for measurements; 0 when it was not needed.</summary>
    public int LastVariables { get; private set; }

    /// <inheritdoc/>
    public MigPlan Repack(MigProblem problem, SolveLimit limit, MigPlan? known = null)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(limit);
        if (problem.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(problem));
        }

        LastVariables = 0;
        var best = MigGreedy.Plan(problem);
        if (known is not null && known.IsBetterThan(best))
        {
            best = known;
        }

        best = best with { Proof = best.Proof with { Elapsed = limit.Elapsed } };
        if (best.Proof.Status == ProofStatus.Optimal || limit.IsOver || best.Proof.Bound > MostWorth)
        {
            return best;
        }

        var model = new MigModel(problem);
        LastVariables = model.Variables;
        return model.Solve(_thread.Value, best, limit);
    }

    /// <summary>Ends the optimizer's thread.</summary>
    public void Dispose()
    {
        if (_thread.IsValueCreated)
        {
            _thread.Value.Dispose();
        }
    }
}
