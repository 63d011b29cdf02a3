using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>A workload out of a snapshot: the pods that wait in it arrive, and copies of all its pods follow.</summary>
internal static class SnapshotPods
{
    /// <summary>The workload; null when the snapshot has no pod that asks for a GPU.</summary>
    public static Trace? Of(ClusterModel cluster)
    {
        var pods = new List<TracePod>();
        var waiting = new HashSet<int>();
        foreach (var pod in cluster.PendingPods)
        {
            waiting.Add(pods.Count);
            pods.Add(Strip(pod));
        }

        pods.AddRange(cluster.BoundPods.Where(p => p.Invalid is null).Select(Strip));
        return pods.Exists(p => p.Template.Request.WantsGpu)
            ? new Trace(cluster.Name, pods)
            {
                Source = $"the {waiting.Count} pods that wait in {cluster.Name}, then copies of its {pods.Count} pods",
                Waiting = waiting,
            }
            : null;
    }

    private static TracePod Strip(PodInfo pod) => new(
        pod.ToString(),
        pod with { NodeName = null, Assignment = null, AssignmentError = null },
        TracePod.NoTime,
        TracePod.NoTime);
}
