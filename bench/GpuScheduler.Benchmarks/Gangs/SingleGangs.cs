using System.Diagnostics;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Policies;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>One gang of identical pods at a time.</summary>
internal static class SingleGangs
{
    private const int Rounds = 10;

    public static IEnumerable<GangRow> Rows(int seeds, string only)
    {
        foreach (var nodes in new[] { 500, 5000, 20000 })
        {
            if (!$"single/{nodes}".Contains(only, StringComparison.Ordinal))
            {
                continue;
            }

            var clusters = (from utilisation in GangBenchmark.Utilisations from seed in Enumerable.Range(1, nodes > 5000 ? Math.Min(seeds, 2) : seeds) select GangCluster.Of(nodes, utilisation, seed)).ToList();
            foreach (var (members, gpus) in new[] { (16, 1), (32, 2), (64, 8), (128, 8) })
            {
                foreach (var (name, objective) in new[] { ("tightest", GangObjective.Tightest), ("compact", GangObjective.Compact) })
                {
                    yield return Single("single/" + name, nodes, clusters, members, gpus, objective, null);
                }
            }

            yield return Single("single/segments of 8", nodes, clusters, 64, 8, GangObjective.Tightest, new GangSpan(1, 8));
        }
    }

    private static GangRow Single(string name, int nodes, List<GangCluster> clusters, int members, int gpus, GangObjective objective, GangSpan? segment)
    {
        var placer = new TreeGangPlacer();
        var problems = clusters.Select(c => new GangProblem
        {
            Topology = c.Topology,
            Capacity = new WholeGpuCapacity([new WholeGpuDemand(gpus)], c.Free),
            Roles = [new GangRole { Name = "worker", Min = members, Max = members, Gpus = gpus, Segment = segment }],
            Objective = objective,
        }).ToList();
        var times = new GangTimes();
        var plans = new GangPlan[problems.Count];
        Warm(placer, problems);
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < problems.Count; i++)
            {
                plans[i] = times.Measure(() => placer.Place(problems[i], new SolveLimit(TimeProvider.System, TimeSpan.FromSeconds(10))));
            }
        }

        var racks = new List<double>();
        var baseline = new List<double>();
        var worse = 0;
        for (var i = 0; i < problems.Count; i++)
        {
            if (segment is not null)
            {
                // Best fit has no segments: there is nothing to compare with.
                if (plans[i].IsPlaced)
                {
                    racks.Add(plans[i].DomainsUsed[1]);
                }

                continue;
            }

            var added = BestFitGangs.Place(problems[i].Topology, [.. clusters[i].Free.Select(f => f / gpus)], members, problems[i].Topology.ClusterLevel);
            if (added is null == plans[i].IsPlaced)
            {
                throw new InvalidOperationException($"{name}: instance {i} is placed by one and not by the other");
            }

            if (added is not null && plans[i].IsPlaced)
            {
                racks.Add(plans[i].DomainsUsed[1]);
                baseline.Add(Enumerable.Range(0, added.Length).Where(p => added[p] > 0).Select(p => problems[i].Topology.DomainOf(1, p)).Distinct().Count());
                worse += racks[^1] > baseline[^1] ? 1 : 0;
            }
        }

        return new GangRow
        {
            Case = name,
            Nodes = nodes,
            Gang = $"{members}x{gpus}",
            Times = times,
            ProvenShare = plans.Count(p => p.Proof.Status is ProofStatus.Optimal or ProofStatus.Infeasible) / (double)plans.Length,
            Racks = racks.Count == 0 ? null : racks.Average(),
            RacksBestFit = baseline.Count == 0 ? null : baseline.Average(),
            GapPercent = plans.Max(p => p.Proof.GapPercent),
            GainOverBestFitPercent = baseline.Count == 0 ? null : 100 * (1 - (racks.Sum() / baseline.Sum())),
            Remark = baseline.Count == 0 ? "" : $"more racks than best fit: {worse} of {baseline.Count}",
        };
    }

    /// <summary>Until the runtime has compiled what is measured for good.</summary>
    private static void Warm(TreeGangPlacer placer, List<GangProblem> problems)
    {
        for (var start = Stopwatch.StartNew(); start.Elapsed < TimeSpan.FromSeconds(0.5);)
        {
            foreach (var problem in problems)
            {
                placer.Place(problem, new SolveLimit(TimeProvider.System, TimeSpan.FromSeconds(10)));
            }
        }
    }
}
