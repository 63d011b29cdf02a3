using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>Measures gang placement against the baseline of <see cref="BestFit"/>, on clusters of fixed seeds.</summary>
internal static class GangBenchmark
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };
    private static readonly double[] s_utilisations = [0.6, 0.75, 0.9];

    public static async Task<int> RunAsync(int seeds, string only, FileInfo? json, CancellationToken cancellation)
    {
        var rows = new List<GangRow>();
        Console.WriteLine($"{"case",-28} {"nodes",6} {"gang",10} {"n",4} {"median µs",12} {"p99 µs",12} {"proven",7} {"racks",7} {"bestfit",8} {"gap %",7} {"gain %",8} {"over ms %",9}");
        foreach (var row in Singles(seeds).Where(_ => "single".Contains(only, StringComparison.Ordinal)))
        {
            rows.Add(row);
            Print(row);
            cancellation.ThrowIfCancellationRequested();
        }

        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(rows, s_indented), cancellation);
        }

        return 0;
    }

    private static void Print(GangRow r) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{r.Case,-28} {r.Nodes,6} {r.Gang,10} {r.Instances,4} {r.MedianUs,12:N0} {r.P99Us,12:N0} {r.ProvenShare,7:P0} {r.Racks,7:0.00} {r.RacksBestFit,8:0.00} {r.GapPercent,7:0.00} {r.GainOverBestFitPercent,8:0.0} {r.GainOverMultiStartPercent,9:0.0}"));

    private static IEnumerable<GangRow> Singles(int seeds)
    {
        foreach (var nodes in new[] { 500, 5000, 20000 })
        {
            var clusters = (from utilisation in s_utilisations from seed in Enumerable.Range(1, nodes > 5000 ? Math.Min(seeds, 8) : seeds) select new GangCluster(nodes, utilisation, seed)).ToList();
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
        var times = new List<double>();
        var plans = new GangPlan[problems.Count];
        Warm(placer, problems);
        for (var round = 0; round < 10; round++)
        {
            for (var i = 0; i < problems.Count; i++)
            {
                var start = Stopwatch.GetTimestamp();
                plans[i] = placer.Place(problems[i], new SolveLimit(TimeProvider.System, TimeSpan.FromSeconds(10)));
                var time = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
                times.Add(time);
            }
        }

        var racks = new List<double>();
        var baseline = new List<double>();
        var worse = 0;
        for (var i = 0; i < problems.Count; i++)
        {
            var added = BestFit.Place(problems[i].Topology, [.. clusters[i].Free.Select(f => f / gpus)], members, problems[i].Topology.ClusterLevel);
            if (added is null != !plans[i].IsPlaced && segment is null)
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

        if (worse > 0)
        {
            Console.WriteLine($"{name}: more racks than best fit in {worse} of {racks.Count}");
        }

        return new GangRow(name, nodes, $"{members}x{gpus}", times.Count, Quantile(times, 0.5), Quantile(times, 0.99),
            plans.Count(p => p.Proof.Status is ProofStatus.Optimal or ProofStatus.Infeasible) / (double)plans.Length,
            racks.Count == 0 ? 0 : racks.Average(), baseline.Count == 0 ? 0 : baseline.Average(), plans.Max(p => p.Proof.GapPercent),
            racks.Count == 0 ? 0 : 100 * (1 - (racks.Sum() / baseline.Sum())), 0);
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

    private static double Quantile(List<double> values, double q)
    {
        values.Sort();
        return values.Count == 0 ? 0 : values[(int)Math.Min(values.Count - 1, Math.Floor(q * values.Count))];
    }
}
