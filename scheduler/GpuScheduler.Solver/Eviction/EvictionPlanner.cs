using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver.CpSat;

namespace GpuScheduler.Solver.Eviction;

/// <summary>
/// Finds the cheapest whole jobs whose eviction makes room for a gang in one domain: domains in the order of what they cost at least, a
/// greedy set for each that may still be better than the best, and the optimizer where a gap is left.
/// </summary>
internal sealed class EvictionPlanner(EvictionProblem problem, Func<GangProblem, SolveLimit, GangPlan> place, TreeGangPlacer tree, CpSatThread thread, SolveLimit limit)
{
    /// <summary>The part of the time that is kept for placing the gang in the end.</summary>
    private const double ReserveShare = 0.1;

    public EvictionPlan MakeRoom()
    {
        var search = limit.Less(limit.Limit * ReserveShare);
        var asItIs = place(problem.Gang, search);
        if (asItIs.IsPlaced)
        {
            return new EvictionPlan(new Proof(ProofStatus.Optimal, "bound", 0, 0, "", limit.Elapsed), [], asItIs);
        }

        var arranged = new EvictionCase(problem, tree);
        var level = problem.Gang.RequiredLevel ?? problem.Gang.Topology.ClusterLevel;
        var domains = Domains(arranged, level).Select(d => (Domain: d, Bound: d.Bound())).Where(d => d.Bound < double.PositiveInfinity)
            .OrderBy(d => d.Bound).ThenBy(d => d.Domain.Domain).ToList();

        // The greedy sets first: the better the best one, the more domains need no more than their bound.
        var best = (Cost: long.MaxValue, Victims: (bool[]?)null);
        var open = new List<(EvictionDomain Domain, double Bound)>();
        foreach (var (domain, bound) in domains)
        {
            if (best.Victims is not null && (Least(bound) >= best.Cost || search.IsOver))
            {
                open.Add((domain, bound));
                continue;
            }

            open.Add((domain, bound));
            if (domain.Greedy(search) is { } evicted)
            {
                best = Better(best, evicted, arranged);
            }
        }

        var (least, usedOptimizer) = (best.Cost, false);
        var undecided = false;
        foreach (var (domain, bound) in open)
        {
            if (Least(bound) >= best.Cost)
            {
                continue;
            }

            usedOptimizer = true;
            var model = EvictionModel.Build(arranged, domain, best.Cost, bound);
            var result = thread.Solve(model.Model, search, EvictionModel.Parameters);
            if (result.Values is { } values)
            {
                best = Better(best, model.Read(values), arranged);
            }

            var proven = result.Status switch
            {
                CpSatStatus.Optimal => result.Objective,
                CpSatStatus.Infeasible => best.Cost,
                _ => Math.Max(Least(bound), result.HasBound ? Least(result.Bound) : 0),
            };
            undecided |= result.Status is CpSatStatus.Unknown or CpSatStatus.Feasible;
            least = Math.Min(least, proven);
        }

        if (best.Victims is not { } victims)
        {
            return undecided || search.IsOver
                ? new EvictionPlan(new Proof(ProofStatus.Undecided, "cp-sat", 0, 0, "the time limit ended the search", limit.Elapsed), [], asItIs)
                : Never(arranged, asItIs);
        }

        least = Math.Min(least, best.Cost);
        var method = usedOptimizer ? "cp-sat" : "bound";
        var proof = least == best.Cost
            ? new Proof(ProofStatus.Optimal, method, best.Cost, best.Cost, "", limit.Elapsed)
            : new Proof(ProofStatus.Feasible, method, best.Cost, least, "", limit.Elapsed);
        var plan = place(arranged.Without(problem.Gang, victims), limit);
        return new EvictionPlan(proof, [.. Enumerable.Range(0, victims.Length).Where(v => victims[v])], plan);
    }

    private static IEnumerable<EvictionDomain> Domains(EvictionCase arranged, int level)
    {
        var topology = arranged.Topology;
        var count = level == NetworkTopology.NodeLevel ? topology.Order.Length : topology.Domains(level).Length;
        var homes = arranged.Gang.Fixed.Select(s => topology.DomainOf(level, s.Position)).Distinct().ToList();
        return Enumerable.Range(0, count).Where(d => homes.Count == 0 || (homes.Count == 1 && homes[0] == d)).Select(d => new EvictionDomain(arranged, level, d));
    }

    private static long Least(double bound) => (long)Math.Ceiling(bound - 1e-6);

    private static (long Cost, bool[]? Victims) Better((long Cost, bool[]? Victims) best, bool[] evicted, EvictionCase arranged)
    {
        var cost = 0L;
        for (var victim = 0; victim < evicted.Length; victim++)
        {
            cost += evicted[victim] ? arranged.Costs[victim] : 0;
        }

        return cost < best.Cost ? (cost, evicted) : best;
    }

    /// <summary>Not even without all victims: what is missing then.</summary>
    private EvictionPlan Never(EvictionCase arranged, GangPlan asItIs)
    {
        var everybody = new bool[arranged.Costs.Length];
        Array.Fill(everybody, true);
        var plan = place(arranged.Without(arranged.Needed, everybody), limit);
        var why = plan.Proof.Status == ProofStatus.Infeasible ? $"even without all that may be evicted: {plan.Proof.Why}" : "the time limit ended the search";
        return new EvictionPlan(new Proof(plan.Proof.Status == ProofStatus.Infeasible ? ProofStatus.Infeasible : ProofStatus.Undecided, "bound", 0, 0, why, limit.Elapsed), [], asItIs with { Shortfall = plan.Shortfall ?? asItIs.Shortfall });
    }
}
