using System.Numerics;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>
/// Room for a gang of whole nodes in one domain of a cluster at 90 %, by evicting whole jobs. A job costs its GPUs times its priority
/// times the hours it has run. The baseline evicts the cheapest jobs until the gang fits somewhere, and takes back whom it can.
/// </summary>
internal static class Evictions
{
    public static IEnumerable<GangRow> Rows(GangSolver solver, int seeds, string only)
    {
        foreach (var (nodes, members, level) in new[] { (500, 12, 1), (500, 60, 2), (5000, 14, 1), (5000, 100, 2), (20000, 100, 2) })
        {
            if (!$"eviction/{nodes}".Contains(only, StringComparison.Ordinal))
            {
                continue;
            }

            var plans = new List<EvictionPlan>();
            var times = new List<double>();
            var cpus = new List<double>();
            var gains = new List<double>();
            for (var seed = 1; seed <= Math.Min(seeds, nodes > 5000 ? 4 : 25); seed++)
            {
                var problem = Draw(new GangCluster(nodes, 0.9, seed), members, level);
                var (plan, time, cpu) = GangBenchmark.Measure(() => solver.MakeRoom(problem, new SolveLimit(TimeProvider.System, TimeSpan.FromSeconds(5))));
                times.Add(time);
                cpus.Add(cpu);
                plans.Add(plan);
                if (plan.Proof.Objective > 0)
                {
                    gains.Add(100 * ((Baseline(problem) / (double)plan.Proof.Objective) - 1));
                }
            }

            yield return new GangRow(level == 1 ? "eviction/rack" : "eviction/spine", nodes, $"{members}x8", plans.Count, GangBenchmark.Quantile(times, 0.5), GangBenchmark.Quantile(times, 0.99), GangBenchmark.Quantile(cpus, 0.5),
                plans.Count(p => p.Proof.Status is ProofStatus.Optimal or ProofStatus.Infeasible) / (double)plans.Count, 0, 0, plans.Max(p => p.Proof.GapPercent), GangBenchmark.Quantile(gains, 0.5), 0);
        }
    }

    private static EvictionProblem Draw(GangCluster cluster, int members, int level) => new()
    {
        Gang = new GangProblem
        {
            Topology = cluster.Topology,
            Capacity = new WholeGpuCapacity([new WholeGpuDemand(8)], cluster.Free),
            Roles = [new GangRole { Name = "worker", Min = members, Max = members, Gpus = 8 }],
            RequiredLevel = level,
        },
        Victims = [.. cluster.Jobs.Select((j, i) => new EvictionVictim($"job-{i}", (long)j.Gpus * j.Priority * j.Hours, [.. j.Holds.GroupBy(h => h.Node).Select(g => new EvictionHold(g.Key, g.Aggregate(0UL, (m, h) => m | h.Mask)))]))],
    };

    private static long Baseline(EvictionProblem problem)
    {
        var free = ((WholeGpuCapacity)problem.Gang.Capacity).Gpus.ToArray();
        var level = problem.Gang.RequiredLevel!.Value;
        var whole = new int[problem.Gang.Topology.Domains(level).Length];
        for (var position = 0; position < free.Length; position++)
        {
            whole[problem.Gang.Topology.DomainOf(level, position)] += free[position] == 8 ? 1 : 0;
        }

        void Change(EvictionVictim victim, int sign)
        {
            foreach (var hold in victim.Holds)
            {
                ref var room = ref whole[problem.Gang.Topology.DomainOf(level, hold.Position)];
                room -= free[hold.Position] == 8 ? 1 : 0;
                free[hold.Position] += sign * BitOperations.PopCount(hold.Gpus);
                room += free[hold.Position] == 8 ? 1 : 0;
            }
        }

        bool Fits() => whole.Max() >= problem.Gang.Roles[0].Min;
        var evicted = new List<EvictionVictim>();
        foreach (var victim in problem.Victims.OrderBy(v => v.Cost))
        {
            if (Fits())
            {
                break;
            }

            Change(victim, 1);
            evicted.Add(victim);
        }

        foreach (var victim in evicted.AsEnumerable().Reverse().ToList())
        {
            Change(victim, -1);
            if (Fits())
            {
                evicted.Remove(victim);
            }
            else
            {
                Change(victim, 1);
            }
        }

        return evicted.Sum(v => v.Cost);
    }
}
