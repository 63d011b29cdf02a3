using System.Numerics;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>
/// Room for a gang of whole nodes in one domain of a cluster at 90 %, by evicting whole jobs. A job costs its GPUs times its priority
/// times the hours it has run. The baseline evicts jobs in one order until the gang fits somewhere, and takes back whom it can: those of
/// the lowest priority first, the cheaper ones of these before others, or the cheapest first, whichever loses less.
/// </summary>
internal static class Evictions
{
    public static IEnumerable<GangRow> Rows(GangSolver solver, int seeds, string only)
    {
        foreach (var (nodes, members, level) in new[] { (500, 12, 1), (500, 60, 2), (5000, 14, 1), (5000, 100, 2), (20000, 100, 2) })
        {
            if (!$"preemption/{nodes}".Contains(only, StringComparison.Ordinal))
            {
                continue;
            }

            var plans = new List<EvictionPlan>();
            var times = new GangTimes();
            var gains = new List<double>();
            for (var seed = 1; seed <= Math.Min(seeds, nodes > 5000 ? 2 : 25); seed++)
            {
                var cluster = GangCluster.Of(nodes, 0.9, seed);
                var problem = Draw(cluster, members, level);
                var plan = times.Measure(() => solver.MakeRoom(problem, new SolveLimit(TimeProvider.System, TimeSpan.FromSeconds(5))));
                plans.Add(plan);
                if (plan.Proof.Objective > 0)
                {
                    gains.Add(100 * ((Baseline(cluster, problem) / (double)plan.Proof.Objective) - 1));
                }
            }

            yield return new GangRow
            {
                Case = level == 1 ? "preemption/rack" : "preemption/spine",
                Nodes = nodes,
                Gang = $"{members}x8",
                Times = times,
                ProvenShare = plans.Count(p => p.Proof.Status is ProofStatus.Optimal or ProofStatus.Infeasible) / (double)plans.Count,
                GapPercent = plans.Max(p => p.Proof.GapPercent),
                GainOverBestFitPercent = GangTimes.Quantile(gains, 0.5),
                Remark = $"nobody has to go in {plans.Count(p => p.Proof.Objective == 0)} of {plans.Count}",
            };
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

    private static long Baseline(GangCluster cluster, EvictionProblem problem)
    {
        var victims = problem.Victims;
        var byCost = Enumerable.Range(0, victims.Length).OrderBy(v => victims[v].Cost).ToList();
        return Math.Min(Evict(problem, byCost), Evict(problem, byCost.OrderBy(v => cluster.Jobs[v].Priority)));
    }

    private static long Evict(EvictionProblem problem, IEnumerable<int> order)
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
        foreach (var victim in order.Select(v => problem.Victims[v]))
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
