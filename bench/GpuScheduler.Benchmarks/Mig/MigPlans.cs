using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using GpuScheduler.Benchmarks.Gangs;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Solver;

namespace GpuScheduler.Benchmarks.Mig;

/// <summary>
/// Whole clusters: a third of the nodes has GPUs in use, the others are idle and may be cut anew by five configurations; pods of six
/// profiles wait. Time is from the snapshot to the nodes that are to be changed.
/// </summary>
internal static class MigPlans
{
    private const int GpusPerNode = 8;

    private static readonly (string Profile, int Count)[] s_cuts = [("1g.10gb", 7), ("2g.20gb", 3), ("3g.40gb", 2), ("4g.40gb", 1), ("7g.80gb", 1)];

    public static IEnumerable<MigRow> Rows(MigSolver solver, int seeds, double patience, string only)
    {
        ImmutableArray<MigConfig> configs = [.. s_cuts.Select(c => new MigConfig("all-" + c.Profile, [new MigConfigPart([], null, true, [c])]))];
        foreach (var nodes in new[] { 50, 500, 5_000 })
        {
            if (!$"plan/{nodes}".Contains(only, StringComparison.Ordinal))
            {
                continue;
            }

            var (times, variables, proven) = (new List<double>(), 0, 0);
            for (var seed = 1; seed <= seeds; seed++)
            {
                var (snapshot, pods) = Draw(nodes, seed);
                var start = Stopwatch.GetTimestamp();
                var planner = new MigPlanner(configs, pods, [.. snapshot.Nodes.ToArray().Select(n => n!.Facts.Model!.Mig!).Distinct(ReferenceEqualityComparer.Instance).Cast<MigGeometry>()]);
                foreach (var node in snapshot.Nodes)
                {
                    planner.Add(node!, _ => true);
                }

                var plan = planner.Solve(solver, new SolveLimit(TimeProvider.System, TimeSpan.FromSeconds(5 * patience)), int.MaxValue);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                variables = Math.Max(variables, solver.LastVariables);
                proven += plan.Plan.Proof.Status == ProofStatus.Optimal ? 1 : 0;
            }

            yield return new MigRow
            {
                Case = "plan",
                Gpus = nodes * GpusPerNode,
                Variables = variables,
                MedianMs = GangTimes.Quantile(times, 0.5),
                MaxMs = times.Max(),
                ProvenShare = proven / (double)seeds,
            };
        }
    }

    private static (Snapshot Snapshot, List<PodInfo> Pods) Draw(int nodes, int seed)
    {
        var random = new Random(seed);
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        for (var n = 0; n < nodes; n++)
        {
            var (profile, count) = s_cuts[random.Next(s_cuts.Length)];
            var name = string.Create(CultureInfo.InvariantCulture, $"n{n:D5}");
            cluster.UpsertNode(new NodeObject
            {
                Name = name,
                Labels = new Dictionary<string, string>
                {
                    ["nvidia.com/gpu.product"] = random.Next(2) == 0 ? "NVIDIA-H100-80GB-HBM3" : "NVIDIA-A100-SXM4-80GB",
                    ["nvidia.com/gpu.count"] = "8",
                    [MigLabels.Config] = "all-" + profile,
                    [MigLabels.State] = MigLabels.Success,
                    [MigLabels.Dynamic] = "true",
                },
                Allocatable = new Dictionary<string, string> { [GpuAnnotations.MigResourcePrefix + profile] = (count * GpusPerNode).ToString(CultureInfo.InvariantCulture) },
            });
            for (var p = random.Next(3) == 0 ? random.Next(1, GpusPerNode) : 0; p > 0; p--)
            {
                cluster.UpsertPod(Pod($"{name}-{p}", profile, 0) with { NodeName = name });
            }
        }

        return (cluster.Current, [.. Enumerable.Range(0, nodes * 12).Select(i => Pod($"p{i}", s_cuts[random.Next(s_cuts.Length)].Profile, random.Next(2)))]);
    }

    private static PodInfo Pod(string uid, string profile, int priority) =>
        new() { Uid = uid, Namespace = "default", Name = uid, Priority = priority, Request = new GpuRequest { Mig = [new MigRequest(profile, 1)] } };
}
