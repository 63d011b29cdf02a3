using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Generation;

/// <summary>Draws a workload from kinds of pods.</summary>
internal static class WorkloadGenerator
{
    /// <summary>
    /// Standard deviation of the logarithm of the times that pods run: one e-fold, so that the mean is 1.6 medians and one pod in
    /// a hundred runs ten times as long as the median.
    /// </summary>
    private const double RunTimeSpread = 1.0;

    private const int MostPods = 10_000_000;

    /// <summary>Draws pods.</summary>
    /// <param name="scenario">The kinds.</param>
    /// <param name="cluster">The cluster, which says what MIG profiles are called and how much is full.</param>
    /// <param name="count">How many; 0 for as many as ask for all of the cluster's GPUs.</param>
    /// <param name="seed">Decides everything drawn.</param>
    public static Trace Generate(Scenario scenario, ClusterFacts cluster, int count, long seed)
    {
        var kinds = new List<(PodInfo Pod, PodKind Kind)>();
        var dropped = new List<string>();
        foreach (var kind in scenario.Pods.Where(k => k.Weight > 0))
        {
            if (kind.MigSlices > 0 && cluster.MigProfileWith(kind.MigSlices) is null)
            {
                dropped.Add($"{kind.MigSlices}g");
                continue;
            }

            kinds.Add((ToPod(kind, cluster), kind));
        }

        var total = kinds.Sum(k => k.Kind.Weight);
        if (count == 0 && kinds.All(k => cluster.DemandMilli(k.Pod.Request) == 0))
        {
            throw new InputException($"scenario {scenario.Name}: none of its pods asks for what the cluster has, so that they cannot fill it: give a number with --pods");
        }

        var (pods, times) = (new Pcg32(seed, DrawStream.Pods), new Pcg32(seed, DrawStream.Times));
        var drawn = new List<TracePod>();
        for (long demand = 0; count > 0 ? drawn.Count < count : demand < cluster.CapacityMilli;)
        {
            if (drawn.Count == MostPods)
            {
                throw new InputException($"scenario {scenario.Name}: more than {MostPods} pods would be drawn; give a number with --pods");
            }

            var at = pods.NextUnit() * total;
            var kind = 0;
            while (kind < kinds.Count - 1 && at >= kinds[kind].Kind.Weight)
            {
                at -= kinds[kind++].Kind.Weight;
            }

            var (pod, of) = kinds[kind];
            var duration = of.Minutes * 60_000 * Math.Exp(RunTimeSpread * times.NextNormal());
            demand += cluster.DemandMilli(pod.Request);
            drawn.Add(new TracePod(string.Create(CultureInfo.InvariantCulture, $"pod-{drawn.Count:D6}"), pod, TracePod.NoTime, Math.Max(1, (long)duration)));
        }

        return new Trace(scenario.Name, drawn)
        {
            Source = string.Create(CultureInfo.InvariantCulture, $"generated: {drawn.Count} pods of {kinds.Count} kinds, seed {seed}"),
            Notes = dropped.Count > 0 ? [$"pods with {string.Join(", ", dropped)} MIG devices are left out: the cluster has none"] : [],
        };
    }

    private static PodInfo ToPod(PodKind kind, ClusterFacts cluster)
    {
        if (kind.Problem is not null || !Quantity.TryParseMilli(kind.Cpu, out var cpu) || !Quantity.TryParseBytes(kind.Memory, out var memory))
        {
            throw new ArgumentException("a kind of pods with a problem is not drawn from", nameof(kind));
        }

        return TracePod.TemplateOf(
            kind switch
            {
                { MigSlices: > 0 } => new GpuRequest { Mig = [new MigRequest(cluster.MigProfileWith(kind.MigSlices)!, 1)], Models = [.. kind.Models] },
                { Gpus: 0 } => GpuRequest.None,
                { Milli: > 0 } => new GpuRequest { ShareCount = 1, ShareMilli = kind.Milli, Models = [.. kind.Models] },
                _ => new GpuRequest { WholeGpus = kind.Gpus, Models = [.. kind.Models] },
            },
            cpu,
            memory,
            kind.Priority);
    }
}
