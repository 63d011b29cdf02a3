using Google.OrTools.Sat;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Tests;

/// <summary>
/// The textbook model of a gang of identical members, one variable a node, solved by CP-SAT: sizes, segments and caps as constraints.
/// Shares nothing with the tree program but the description of the problem.
/// </summary>
internal static class TreeModel
{
    /// <summary>The most members, the innermost level of one domain that holds them, and the fewest domains used on the level just inside it; null when there is no placement.</summary>
    public static (int Members, int Level, long Domains)? Best(GangProblem problem)
    {
        var outermost = problem.RequiredLevel ?? problem.Topology.ClusterLevel;
        for (var members = problem.Roles[0].Max; members >= Math.Max(1, problem.Roles[0].Min); members--)
        {
            for (var level = 0; level <= outermost; level++)
            {
                if (Fewest(problem, members, level) is { } domains)
                {
                    return (members, level, domains);
                }
            }
        }

        return null;
    }

    private static long? Fewest(GangProblem problem, int members, int level)
    {
        var model = new CpModel();
        var positions = Enumerable.Range(0, problem.Topology.Positions).ToList();
        var held = positions.ConvertAll(p => model.NewIntVar(0, problem.Capacity.Room(p, 0, []), ""));
        List<(int Domain, LinearExpr Held)> By(int l) =>
            [.. positions.GroupBy(p => l == 0 ? p : problem.Topology.DomainOf(l, p)).Select(g => (g.Key, LinearExpr.Sum(g.Select(p => held[p]))))];

        model.Add(LinearExpr.Sum(held) == members);
        var home = By(level).ConvertAll(d =>
        {
            var isHome = model.NewBoolVar("");
            model.Add(d.Held <= members * isHome);
            return isHome;
        });
        model.AddExactlyOne(home);
        var role = problem.Roles[0];
        foreach (var (_, inside) in role.Spread is { } spread ? By(spread.Level) : [])
        {
            model.Add(inside <= role.Spread!.Value.Members);
        }

        if (role.Segment is { } segment)
        {
            var rest = role.Max % segment.Members;
            var smaller = new List<BoolVar>();
            foreach (var (_, inside) in By(segment.Level))
            {
                var hasSmaller = model.NewBoolVar("");
                smaller.Add(hasSmaller);
                model.Add(inside == (segment.Members * model.NewIntVar(0, members, "")) + (rest * hasSmaller));
            }

            model.Add(LinearExpr.Sum(smaller) == (rest == 0 ? 0 : 1));
        }

        var used = level <= 1 ? [] : By(level - 1).ConvertAll(d =>
        {
            var isUsed = model.NewBoolVar("");
            model.Add(d.Held <= members * isUsed);
            return isUsed;
        });
        model.Minimize(LinearExpr.Sum(used));
        using var solver = new CpSolver { StringParameters = "num_workers:1,linearization_level:2" };
        return solver.Solve(model) switch
        {
            CpSolverStatus.Optimal => (long)Math.Round(solver.ObjectiveValue),
            CpSolverStatus.Infeasible => null,
            var other => throw new InvalidOperationException($"the optimizer says {other}"),
        };
    }
}
