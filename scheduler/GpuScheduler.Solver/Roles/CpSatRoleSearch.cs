using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver.CpSat;

namespace GpuScheduler.Solver.Roles;

/// <summary>Searches a domain for the best way to place several roles with the optimizer. The greedy way is its first solution.</summary>
internal sealed class CpSatRoleSearch(CpSatThread thread) : IRoleSearch
{
    public string Method => "cp-sat";

    public RoleAnswer Most(RoleReach reach, int level, int domain, RoleQuestion question, SolveLimit limit)
    {
        var model = RoleModel.Build(reach, level, domain, question);
        model.MaximizeValue();
        var greedy = RoleGreedy.Fill(reach, level, domain, question);
        if (greedy is not null)
        {
            model.Hint(greedy);
        }

        var result = thread.Solve(model.Model, limit, RoleModel.Parameters);
        if (result.Status == CpSatStatus.Infeasible)
        {
            return RoleAnswer.None;
        }

        var most = question.Most.Zip(question.Value, static (m, v) => (long)m * v).Sum();
        var bound = result.HasBound ? Math.Min(most, (long)Math.Floor(result.Bound + 1e-6)) : most;
        if (result.Values is { } values)
        {
            return new RoleAnswer(result.Status == CpSatStatus.Optimal ? ProofStatus.Optimal : ProofStatus.Feasible, result.Objective, bound, model.Read(values));
        }

        return greedy is null ? RoleAnswer.Unknown(bound) : new RoleAnswer(ProofStatus.Feasible, ValueOf(greedy, question), bound, greedy);
    }

    public RoleAnswer Fewest(RoleReach reach, int level, int domain, RoleQuestion question, SolveLimit limit)
    {
        var model = RoleModel.Build(reach, level, domain, question);
        var greedy = RoleGreedy.Fill(reach, level, domain, question);
        if (greedy is not null && ValueOf(greedy, question) < question.LeastValue)
        {
            greedy = null;
        }

        model.RequireValue();
        model.MinimizeDomains();
        if (greedy is not null)
        {
            if (model.CostOf(greedy) <= model.LeastCost)
            {
                return new RoleAnswer(ProofStatus.Optimal, model.FirstOf(model.CostOf(greedy)), model.FirstOf(model.CostOf(greedy)), greedy);
            }

            model.Hint(greedy);
        }

        var result = thread.Solve(model.Model, limit, RoleModel.Parameters);
        if (result.Status == CpSatStatus.Infeasible)
        {
            return RoleAnswer.None;
        }

        var bound = model.FirstOf(Math.Max(model.LeastCost, result.HasBound ? (long)Math.Ceiling(result.Bound - 1e-6) : 0));
        if (result.Values is { } values && (greedy is null || result.Objective <= model.CostOf(greedy)))
        {
            return new RoleAnswer(result.Status == CpSatStatus.Optimal ? ProofStatus.Optimal : ProofStatus.Feasible, model.FirstOf(result.Objective), bound, model.Read(values));
        }

        return greedy is null ? RoleAnswer.Unknown(bound) : new RoleAnswer(ProofStatus.Feasible, model.FirstOf(model.CostOf(greedy)), bound, greedy);
    }

    private static long ValueOf(int[][] added, RoleQuestion question) => added.Select((a, role) => (long)a.Sum() * question.Value[role]).Sum();
}
