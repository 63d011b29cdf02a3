using System.Diagnostics;
using GpuScheduler.Benchmarks.Gangs;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Solver;

namespace GpuScheduler.Benchmarks.Mig;

/// <summary>
/// Fleets of H100 that ran for a while and are half empty, and requests for some more memory slices than are free: which fit beside what
/// is there. Time is from the masks to the plan, model and greedy included.
/// </summary>
internal static class MigRepacks
{
    /// <summary>Slices asked for over those free.</summary>
    private const double Demand = 1.15;

    private static readonly MigGeometry s_geometry = GpuCatalogue.Find("NVIDIA-H100-80GB-HBM3")!.Mig!;
    private static readonly int[] s_plain = [.. Enumerable.Range(0, s_geometry.Profiles.Length).Where(p => !s_geometry.Profiles[p].HasMediaExtensions)];

    public static IEnumerable<MigRow> Rows(MigSolver solver, int seeds, double patience, string only)
    {
        foreach (var gpus in new[] { 50, 400, 4_000, 40_000 })
        {
            if (!$"repack/{gpus}".Contains(only, StringComparison.Ordinal))
            {
                continue;
            }

            var (times, overTable, overFirst) = (new List<double>(), new List<double>(), new List<double>());
            var (variables, proven) = (0, 0);
            for (var seed = 1; seed <= seeds; seed++)
            {
                var (taken, arrivals) = Draw(gpus, seed);
                var wanted = new int[s_geometry.Profiles.Length];
                foreach (var profile in arrivals)
                {
                    wanted[profile]++;
                }

                var first = FirstFit(taken, arrivals);
                var start = Stopwatch.GetTimestamp();
                var problem = MigRepack.ProblemOf(s_geometry, taken, wanted);
                var table = MigRepack.ByValueTable(s_geometry, taken, problem);
                var plan = solver.Repack(problem, new SolveLimit(TimeProvider.System, TimeSpan.FromSeconds(5 * patience)), table);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                if (plan.FaultFor(problem) is { } fault)
                {
                    throw new InvalidOperationException(fault);
                }

                variables = Math.Max(variables, solver.LastVariables);
                proven += plan.Proof.Status == ProofStatus.Optimal ? 1 : 0;
                overTable.Add(100.0 * (plan.Worth - table.Worth) / table.Worth);
                overFirst.Add(100.0 * (plan.Worth - first) / first);
            }

            yield return new MigRow
            {
                Case = "repack",
                Gpus = gpus,
                Variables = variables,
                MedianMs = GangTimes.Quantile(times, 0.5),
                MaxMs = times.Max(),
                ProvenShare = proven / (double)seeds,
                GainOverValueTable = GangTimes.Quantile(overTable, 0.5),
                GainOverFirstFit = GangTimes.Quantile(overFirst, 0.5),
            };
        }
    }

    private static (byte[] Taken, List<int> Arrivals) Draw(int gpus, int seed)
    {
        var random = new Random(seed);
        var fleet = new MigFleet(s_geometry, new byte[gpus]);
        var placed = new List<(int Gpu, int Profile, int Start)>();
        for (var full = 0; full < 50;)
        {
            var profile = s_plain[random.Next(s_plain.Length)];
            if (fleet.TryPlace(profile, MigChoice.BestFit, out var gpu, out var start))
            {
                placed.Add((gpu, profile, start));
            }
            else
            {
                full++;
            }
        }

        foreach (var (gpu, profile, start) in placed)
        {
            if (random.Next(2) == 0)
            {
                fleet.Free(gpu, profile, start);
            }
        }

        byte[] taken = [.. Enumerable.Range(0, gpus).Select(fleet.TakenOn)];
        var free = taken.Sum(t => s_geometry.MemorySlices - System.Numerics.BitOperations.PopCount(t)) * Demand;
        var arrivals = new List<int>();
        while (free > 0)
        {
            var profile = s_plain[random.Next(s_plain.Length)];
            arrivals.Add(profile);
            free -= s_geometry.Profiles[profile].MemorySlices;
        }

        return (taken, arrivals);
    }

    private static long FirstFit(byte[] taken, List<int> arrivals)
    {
        var fleet = new MigFleet(s_geometry, taken);
        return arrivals.Sum(p => fleet.TryPlace(p, MigChoice.FirstFit, out _, out _) ? (long)s_geometry.Profiles[p].MemorySlices : 0);
    }
}
