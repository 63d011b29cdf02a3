using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Extender.Observability;

/// <summary>Pods that want GPUs and are on no node, summed up.</summary>
/// <param name="Namespace">Whose they are.</param>
/// <param name="Kind"><see cref="Gang"/> or <see cref="Single"/>.</param>
/// <param name="Pods">How many.</param>
/// <param name="Milli">What they want, in milli-GPU (see <see cref="MilliOf"/>).</param>
internal sealed record PendingWork(string Namespace, string Kind, int Pods, long Milli)
{
    /// <summary>Members of gangs.</summary>
    public const string Gang = "gang";

    /// <summary>All others.</summary>
    public const string Single = "single";

    /// <summary>Compute slices of a GPU that has MIG; A30 has 4, and is counted as if it had 7.</summary>
    private const int ComputeSlices = 7;

    /// <summary>
    /// All that wait, by namespace and kind. A pod whose Binding is on its way or written does not wait, nor does one that the gate of others
    /// keeps from being scheduled.
    /// </summary>
    public static ImmutableArray<PendingWork> Of(ClusterState cluster) => Of(cluster.Current, Waiting(cluster));

    /// <summary>The pods that wait.</summary>
    public static IEnumerable<PodInfo> Waiting(ClusterState cluster) => cluster.Pods.Where(p => Waits(cluster, p));

    /// <summary>Pods that wait, summed up.</summary>
    public static ImmutableArray<PendingWork> Of(Snapshot snapshot, IEnumerable<PodInfo> waiting)
    {
        var card = CardMiB(snapshot);
        return
        [
            .. waiting
                .GroupBy(p => (p.Namespace, Kind: p.Gang is null ? Single : Gang))
                .Select(g => new PendingWork(g.Key.Namespace, g.Key.Kind, g.Count(), g.Sum(p => MilliOf(p.Request, card)))),
        ];
    }

    /// <summary>
    /// What a request wants, in milli-GPU: whole GPUs count 1000, a MIG device its compute slices of seven, a share the larger of compute and
    /// memory, the latter against the mean card of the cluster.
    /// </summary>
    public static long MilliOf(GpuRequest request, double cardMiB)
    {
        var mig = request.Mig.Sum(m => MigGeometry.TryReadName(m.Profile, out var slices, out _, out _) ? (long)SharePacking.WholeCard * slices * m.Count / ComputeSlices : 0);
        var share = request.ShareCount * (long)Math.Max(request.ShareMilli, request.ShareMemoryMilli(cardMiB));
        return ((long)SharePacking.WholeCard * request.WholeGpus) + mig + share;
    }

    /// <summary>True for a pod that wants GPUs and has none: its Binding is neither written nor on its way.</summary>
    public static bool Waits(ClusterState cluster, PodInfo pod) => pod.WaitsForGpus && !IsBeingBound(cluster, pod);

    /// <summary>Mean memory of a card of the cluster, in MiB; 0 when none is known.</summary>
    public static double CardMiB(Snapshot snapshot)
    {
        var (cards, sum) = (0, 0.0);
        foreach (var node in snapshot.Nodes)
        {
            foreach (var gpu in node?.Facts.Gpus ?? [])
            {
                (cards, sum) = (cards + 1, sum + gpu.MemoryMiB);
            }
        }

        return cards > 0 ? sum / cards : 0;
    }

    private static bool IsBeingBound(ClusterState cluster, PodInfo pod) =>
        cluster.TryGetAllocation(pod.Uid, out var held) && held.State is not (AllocationState.Tentative or AllocationState.Planned);
}
