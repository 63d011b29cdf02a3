using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Shadow;
using GpuScheduler.Extender.Observability;

namespace GpuScheduler.Extender.Shadow;

/// <summary>How one side stands at one moment: the cluster itself, or what a profile made of it.</summary>
internal sealed record SideFigures
{
    /// <summary>Healthy GPUs.</summary>
    public required int Gpus { get; init; }

    /// <summary>GPUs in use; parts of GPUs count as parts.</summary>
    public required double AllocatedGpus { get; init; }

    /// <summary>What is left on healthy GPUs, in GPUs, by what can be made of it (<see cref="GpusLeft"/>).</summary>
    public required IReadOnlyDictionary<string, double> IdleBy { get; init; }

    /// <summary>All of <see cref="IdleBy"/>.</summary>
    public double IdleGpus => IdleBy.Values.Sum();

    /// <summary>Pods that want GPUs and have no place.</summary>
    public required int WaitingPods { get; init; }

    /// <summary>Gangs of which some member is among them.</summary>
    public required int WaitingGangs { get; init; }

    /// <summary>GPUs that these pods want.</summary>
    public required double WaitingGpus { get; init; }

    /// <summary>Pods that had no place at first, since the comparison began; not known of the cluster itself.</summary>
    public long? RefusedPods { get; init; }

    /// <summary>Gangs that had no place at some time, since the comparison began; not known of the cluster itself.</summary>
    public long? RefusedGangs { get; init; }

    /// <summary>Pods that were decided anew because their node went; not known of the cluster itself.</summary>
    public long? DisplacedPods { get; init; }

    /// <summary>See <see cref="PlacementQuality.LinkRatio"/>, over the pods that arrived since the comparison began.</summary>
    public double? LinkRatio { get; init; }

    /// <summary>See <see cref="PlacementQuality.GangSpread"/>, over the gangs that arrived since the comparison began.</summary>
    public double? GangSpread { get; init; }

    /// <summary>Median time of the last decisions (<see cref="ShadowCluster.DecisionTime"/>), in seconds; not known of the cluster itself, where kube-scheduler decides, too.</summary>
    public double? DecisionSeconds { get; init; }

    /// <summary>Nodes of the pods that arrived since the comparison began, by UID; those without a place are left out.</summary>
    public required IReadOnlyDictionary<string, string> Places { get; init; }

    /// <summary>Looks at a side.</summary>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="arrived">The pods that arrived since the comparison began.</param>
    /// <param name="side">What decides there; null for the cluster itself.</param>
    public static SideFigures Of(ClusterState cluster, IReadOnlyDictionary<string, ShadowPod> arrived, ShadowCluster? side)
    {
        var snapshot = cluster.Current;
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        var quality = new PlacementQuality(snapshot);
        var (gpus, used) = (0, 0L);
        for (var position = 0; position < snapshot.Nodes.Length; position++)
        {
            if (snapshot.Nodes[position] is not { } node)
            {
                continue;
            }

            gpus += node.Facts.Gpus.Count(g => g.Healthy);
            used += node.UsedMilli;
            foreach (var allocation in node.Allocations)
            {
                if (allocation.State is not (AllocationState.Tentative or AllocationState.Planned) && arrived.ContainsKey(allocation.Pod.Uid))
                {
                    places[allocation.Pod.Uid] = node.Facts.Name;
                    quality.Add(allocation, node.Facts, position);
                }
            }
        }

        var pending = PendingWork.Waiting(cluster).ToList();
        return new SideFigures
        {
            Gpus = gpus,
            AllocatedGpus = used / (double)SharePacking.WholeCard,
            IdleBy = GpusLeft.Of(snapshot).ByKind.ToDictionary(l => l.Key, l => l.Value.Milli / (double)SharePacking.WholeCard, StringComparer.Ordinal),
            WaitingPods = pending.Count,
            WaitingGangs = pending.Select(p => p.Gang?.Key).OfType<GangKey>().Distinct().Count(),
            WaitingGpus = PendingWork.Of(snapshot, pending).Sum(w => w.Milli) / (double)SharePacking.WholeCard,
            RefusedPods = side?.RefusedPods,
            RefusedGangs = side?.RefusedGangs,
            DisplacedPods = side?.Displaced,
            LinkRatio = quality.LinkRatio,
            GangSpread = quality.GangSpread,
            DecisionSeconds = side?.DecisionTime?.TotalSeconds,
            Places = places,
        };
    }
}
