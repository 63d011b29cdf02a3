using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using Xunit;

namespace GpuScheduler.Solver.Tests.Mig;

public sealed class MigSolverTests : IDisposable
{
    private readonly MigSolver _solver = new();

    public void Dispose() => _solver.Dispose();

    [Fact]
    public void A_repack_is_the_best_of_all_and_says_so()
    {
        var random = new Random(11);
        var (better, solved) = (0, 0);
        for (var sample = 0; sample < 400; sample++)
        {
            var problem = MigCase.Draw(random);
            var plan = _solver.Repack(problem, Forever.Limit);
            var (worth, disturbed) = MigCase.Best(problem);

            Assert.Null(plan.FaultFor(problem));
            Assert.Equal((worth, disturbed), (plan.Worth, plan.Disturbed));
            Assert.Equal(ProofStatus.Optimal, plan.Proof.Status);
            Assert.Equal((worth, worth), (plan.Proof.Objective, plan.Proof.Bound));
            better += plan.IsBetterThan(MigGreedy.Plan(problem)) ? 1 : 0;
            solved += _solver.LastVariables > 0 ? 1 : 0;
        }

        Assert.True(better > 5 && solved > 100, $"{better} better than the greedy, {solved} solved");
    }

    [Fact]
    public void The_greedy_is_a_plan_that_can_be_done_and_its_bound_holds()
    {
        var random = new Random(12);
        for (var sample = 0; sample < 400; sample++)
        {
            var problem = MigCase.Draw(random);
            var plan = MigGreedy.Plan(problem);

            Assert.Null(plan.FaultFor(problem));
            Assert.InRange(MigCase.Best(problem).Worth, plan.Worth, plan.Proof.Bound);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public void Whenever_it_has_to_end_it_is_never_worse_than_what_was_known(int milliseconds)
    {
        var random = new Random(13);
        for (var sample = 0; sample < 30; sample++)
        {
            var (problem, fleet) = MigRepacks.Draw(random, 60);
            var known = MigRepacks.ByValueTable(problem, fleet);
            var plan = _solver.Repack(problem, new SolveLimit(TimeProvider.System, TimeSpan.FromMilliseconds(milliseconds)), known);

            Assert.Null(plan.FaultFor(problem));
            Assert.False(known.IsBetterThan(plan));
            Assert.False(MigGreedy.Plan(problem).IsBetterThan(plan));
            Assert.True(plan.Proof.Bound >= plan.Worth);
        }
    }

    [Fact]
    public void A_problem_that_makes_no_sense_is_refused()
    {
        var problem = new MigProblem { Demands = [new MigDemand("a", 1, 1)], Slots = [[0]], Units = [new MigUnits(1, [new MigOption("x", [1, 1], 0)])] };

        Assert.Contains("every kind of slot", Assert.Throws<ArgumentException>(() => _solver.Repack(problem, Forever.Limit)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_name_of_a_profile_may_be_served_by_several_products_and_only_by_those_that_have_it()
    {
        // Twelve 1g.10gb: an A100 40 GB node has four of them on a GPU (two slices each), an A100 80 GB node seven.
        var problem = new MigProblem
        {
            Demands = [new MigDemand("1g.10gb", 11, 1)],
            Slots = [[0]],
            Units = [new MigUnits(1, [new MigOption("a", [4], 1)]), new MigUnits(1, [new MigOption("b", [7], 1)])],
        };
        var plan = _solver.Repack(problem, Forever.Limit);

        Assert.Equal((11, 2), (plan.Served[0], plan.Disturbed));
    }
}
