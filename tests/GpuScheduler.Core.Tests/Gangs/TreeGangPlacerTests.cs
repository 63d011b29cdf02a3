using CsCheck;
using GpuScheduler.Core.Gangs;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs;

public sealed class TreeGangPlacerTests
{
    private readonly TreeGangPlacer _placer = new();

    [Fact]
    public void A_plan_is_the_best_of_all_placements_and_a_refusal_has_none() =>
        GangCase.Any.Sample(
            draw =>
            {
                var problem = draw.Problem();
                var oracle = new GangOracle(problem);
                oracle.Search();
                var plan = _placer.Place(problem, Forever());
                Compare(problem, oracle, plan);
            },
            iter: 5_000);

    private static void Compare(GangProblem problem, GangOracle oracle, GangPlan plan)
    {
        if (plan.Proof.Status == ProofStatus.Infeasible)
        {
            Assert.Equal(-1, oracle.Most);
            Assert.NotEmpty(plan.Proof.Why);
            if (plan.Shortfall!.Because != ShortfallCause.FixedMembers)
            {
                Assert.Equal(oracle.Missing, plan.Shortfall.Missing[0]);
            }

            return;
        }

        Assert.Equal(ProofStatus.Optimal, plan.Proof.Status);
        var added = new int[problem.Topology.Positions];
        foreach (var slot in plan.Slots)
        {
            Assert.True(slot.Members > 0);
            added[slot.Position] += slot.Members;
        }

        if (plan.Slots.IsEmpty)
        {
            // Nothing may be added, and nothing has to be.
            Assert.Equal(0, oracle.Most);
            return;
        }

        var judged = oracle.Judge(added);
        Assert.NotNull(judged);
        var best = Assert.Single(oracle.Best, b => b.Domain == judged.Domain && b.Level == judged.Level);
        Assert.Equal(best.Members, judged.Members);
        Assert.Equal(best.Inside, judged.Inside);
        Assert.Equal(best.First, plan.Proof.Objective);
    }

    private static SolveLimit Forever() => new(TimeProvider.System, TimeSpan.FromHours(1));
}
