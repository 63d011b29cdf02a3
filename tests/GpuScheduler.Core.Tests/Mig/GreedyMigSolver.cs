using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;

namespace GpuScheduler.Core.Tests.Mig;

/// <summary>The greedy alone: the life of a change does not depend on how good a plan is.</summary>
internal sealed class GreedyMigSolver : IMigSolver
{
    public MigPlan Repack(MigProblem problem, SolveLimit limit, MigPlan? known = null)
    {
        Assert(problem.Fault() is null);
        var plan = MigGreedy.Plan(problem);
        Assert(plan.FaultFor(problem) is null);
        return plan;
    }

    private static void Assert(bool condition) => Xunit.Assert.True(condition);
}
