using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Roles;

/// <summary>Fills a domain the greedy way; for plans that others improve upon.</summary>
internal sealed class GreedyRoleSearch : IRoleSearch
{
    public string Method => "greedy";

    public RoleAnswer Most(RoleReach reach, int level, int domain, RoleQuestion question, SolveLimit limit)
    {
        if (RoleGreedy.Fill(reach, level, domain, question) is not { } added)
        {
            return RoleAnswer.Unknown(long.MaxValue);
        }

        var value = added.Select((a, role) => (long)a.Sum() * question.Value[role]).Sum();
        return new RoleAnswer(ProofStatus.Feasible, value, long.MaxValue, added);
    }

    public RoleAnswer Fewest(RoleReach reach, int level, int domain, RoleQuestion question, SolveLimit limit)
    {
        if (RoleGreedy.Fill(reach, level, domain, question) is not { } added || added.Select((a, role) => (long)a.Sum() * question.Value[role]).Sum() < question.LeastValue)
        {
            return RoleAnswer.Unknown(0);
        }

        var inner = TreeWeights.FirstLevelInside(reach.Topology, level, domain);
        var used = inner < 0 ? 0 : Enumerable.Range(0, reach.Topology.Order.Length)
            .Where(place => added.Any(a => a[place] > 0) || (reach.FixedSum(0)[place] > 0))
            .Select(place => reach.Topology.DomainsByPlace(inner)[place]).Distinct().Count();
        return new RoleAnswer(ProofStatus.Feasible, used, 0, added);
    }
}
