using System.Globalization;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Policies;
using GpuScheduler.Solver;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>
/// Several waiting gangs at once, which together want 1.15 times the free GPUs. A quarter has to lie in one rack; half in one spine, of
/// which none wants more than half of what the freest one has; the others anywhere, of which none wants more than half of all. Those of
/// more than 64 GPUs have pods of 8, smaller ones of 1 to 8. The weight of a gang is its GPUs times a priority from 1 to 3, and they come
/// in the order of that. The baseline takes them by priority and places each by best fit.
/// </summary>
internal static class GangBatches
{
    private const double Demand = 1.15;

    public static IEnumerable<GangRow> Rows(GangSolver solver, int seeds, double patience, string only)
    {
        foreach (var (nodes, gangs, seconds) in new[] { (500, 20, 2), (5000, 20, 2), (5000, 50, 3), (20000, 50, 3) })
        {
            if (!$"batch/{nodes}/{gangs}".Contains(only, StringComparison.Ordinal))
            {
                continue;
            }

            var plans = new List<GangBatchPlan>();
            var times = new GangTimes();
            var gains = new List<double>();
            var overStarts = new List<double>();
            var limit = TimeSpan.FromSeconds(seconds * patience);
            var late = 0;
            foreach (var utilisation in GangBenchmark.Utilisations)
            {
                for (var seed = 1; seed <= Math.Min(seeds, nodes > 5000 ? 2 : 8); seed++)
                {
                    var cluster = GangCluster.Of(nodes, utilisation, seed);
                    var batch = Draw(cluster, gangs, seed);
                    var plan = times.Measure(() => solver.PlaceAll(batch, new SolveLimit(TimeProvider.System, limit)));
                    late += times.LastUs > limit.TotalMicroseconds ? 1 : 0;
                    plans.Add(plan);
                    var baseline = Baseline(batch);
                    gains.Add(100.0 * (plan.Proof.Objective - baseline) / baseline);
                    overStarts.Add(100.0 * (plan.Proof.Objective - plan.GreedyObjective) / plan.GreedyObjective);
                }
            }

            yield return new GangRow
            {
                Case = "batch",
                Nodes = nodes,
                Gang = $"{gangs} gangs",
                Times = times,
                ProvenShare = plans.Count(p => p.Proof.Status == ProofStatus.Optimal) / (double)plans.Count,
                GapPercent = plans.Max(p => p.Proof.GapPercent),
                GainOverBestFitPercent = GangTimes.Quantile(gains, 0.5),
                GainOverMultiStartPercent = GangTimes.Quantile(overStarts, 0.5),
                Remark = string.Create(CultureInfo.InvariantCulture, $"gain {gains[0]:0.0} to {gains[^1]:0.0} %; over starts {overStarts[0]:0.00} to {overStarts[^1]:0.00} %; later than {limit.TotalSeconds:0.#} s: {late}"),
            };
        }
    }

    private static GangBatch Draw(GangCluster cluster, int gangs, int seed)
    {
        var random = new Random(seed);
        var free = cluster.Free;
        var topology = cluster.Topology;
        var spine = Enumerable.Range(0, topology.Domains(2).Length).Max(d => Enumerable.Range(0, free.Length).Where(p => topology.DomainOf(2, p) == d).Sum(p => free[p]));
        var drawn = Enumerable.Range(0, gangs).Select(_ => (Level: random.Next(4) switch { 0 => 1, 1 => 3, _ => 2 }, Raw: Math.Pow(2, random.NextDouble() * 5), Priority: 1 + random.Next(3), Pod: 1 << random.Next(4))).ToList();
        var total = free.Sum();

        // Sizes are powers of two, now and then half as much more, scaled until they add up.
        (int Gpus, int Pod) Size(int i, double scale)
        {
            var (level, raw, _, pod) = drawn[i];
            if (level == 1)
            {
                return (8 << (int)(raw % 4), pod);
            }

            var size = Math.Min(raw * scale, level == 2 ? 0.5 * spine : 0.5 * total);
            var power = Math.Pow(2, Math.Floor(Math.Log2(Math.Max(16, size))));
            return ((int)(i % 5 == 0 && size >= 1.5 * power ? 1.5 * power : power), power > 64 ? 8 : pod);
        }

        // Where all are as large as they may be, they want less.
        var scale = 1.0;
        while (scale < total && Enumerable.Range(0, gangs).Sum(i => (long)Size(i, scale).Gpus) < Demand * total)
        {
            scale *= 1.05;
        }

        var sizes = Enumerable.Range(0, gangs).Select(i => Size(i, scale)).ToList();
        var order = Enumerable.Range(0, gangs).OrderByDescending(i => drawn[i].Priority).ToList();
        drawn = [.. order.Select(i => drawn[i])];
        sizes = [.. order.Select(i => sizes[i])];
        return new GangBatch
        {
            Topology = topology,
            Capacity = new WholeGpuCapacity([.. sizes.Select(s => new WholeGpuDemand(s.Pod))], free),
            Gangs = [.. drawn.Select((d, i) => new BatchGang
            {
                Name = $"gang-{i}",
                Weight = (long)sizes[i].Gpus * d.Priority,
                RequiredLevel = d.Level,
                Roles = [new GangRole { Name = "worker", Min = sizes[i].Gpus / sizes[i].Pod, Max = sizes[i].Gpus / sizes[i].Pod, Gpus = sizes[i].Pod }],
            })],
            Seed = seed,
        };
    }

    private static long Baseline(GangBatch batch)
    {
        var free = ((WholeGpuCapacity)batch.Capacity).Gpus.ToArray();
        var weight = 0L;
        foreach (var gang in batch.Gangs)
        {
            var gpus = gang.Roles[0].Gpus;
            if (BestFitGangs.Place(batch.Topology, [.. free.Select(f => f / gpus)], gang.Roles[0].Min, gang.RequiredLevel!.Value) is { } added)
            {
                weight += gang.Weight;
                for (var position = 0; position < free.Length; position++)
                {
                    free[position] -= added[position] * gpus;
                }
            }
        }

        return weight;
    }
}
