using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>One gang of several roles at a time, in one spine. There is no baseline: best fit places one kind of pod.</summary>
internal static class RoleGangs
{
    private static readonly (string Name, (int Members, int Gpus)[] Roles)[] s_gangs =
    [
        ("1x1+32x8", [(1, 1), (32, 8)]),
        ("48x8+8x4+16x1", [(48, 8), (8, 4), (16, 1)]),
        ("24x8+24x2", [(24, 8), (24, 2)]),
    ];

    public static IEnumerable<GangRow> Rows(GangSolver solver, int seeds, string only)
    {
        foreach (var nodes in new[] { 500, 5000 })
        {
            if (!$"roles/{nodes}".Contains(only, StringComparison.Ordinal))
            {
                continue;
            }

            var clusters = (from utilisation in GangBenchmark.Utilisations from seed in Enumerable.Range(1, Math.Min(seeds, 10)) select GangCluster.Of(nodes, utilisation, seed)).ToList();
            foreach (var (name, roles) in s_gangs)
            {
                var plans = new List<GangPlan>();
                var times = new GangTimes();
                foreach (var cluster in clusters)
                {
                    var problem = new GangProblem
                    {
                        Topology = cluster.Topology,
                        Capacity = new WholeGpuCapacity([.. roles.Select(r => new WholeGpuDemand(r.Gpus))], cluster.Free),
                        Roles = [.. roles.Select((r, i) => new GangRole { Name = $"role{i}", Min = r.Members, Max = r.Members, Gpus = r.Gpus, Needs = $"{r.Gpus} GPUs" })],
                        RequiredLevel = 2,
                    };
                    plans.Add(times.Measure(() => solver.Place(problem, new SolveLimit(TimeProvider.System, TimeSpan.FromSeconds(5)))));
                }

                var placed = plans.Where(p => p.IsPlaced).ToList();
                yield return new GangRow
                {
                    Case = "roles",
                    Nodes = nodes,
                    Gang = name,
                    Times = times,
                    ProvenShare = plans.Count(p => p.Proof.Status is ProofStatus.Optimal or ProofStatus.Infeasible) / (double)plans.Count,
                    Racks = placed.Count == 0 ? null : placed.Average(p => p.DomainsUsed[1]),
                    GapPercent = plans.Max(p => p.Proof.GapPercent),
                };
            }
        }
    }
}
