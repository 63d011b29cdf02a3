using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Binds where there is no API server (--cluster): the pod is on its node in our own state, and nowhere else.</summary>
internal sealed class SnapshotBinder(ClusterState cluster, RecentPods recent) : IPodBinder
{
    public Task<BindOutcome> BindAsync(string podNamespace, string podName, string podUid, string node, DeviceAssignment devices, PluginContract contract, CancellationToken cancellation)
    {
        var pod = cluster.TryGetPod(podUid, out var known) ? known : recent.Find(podUid);
        if (pod is null)
        {
            return Task.FromResult(BindOutcome.Rejected($"pod {podNamespace}/{podName} is not in the snapshot and no filter call has named it"));
        }

        cluster.UpsertPod(pod with { NodeName = node, Assignment = devices });
        return Task.FromResult(BindOutcome.Bound);
    }

    public Task<PodInfo?> GetPodAsync(string podNamespace, string podName, CancellationToken cancellation) => Task.FromResult<PodInfo?>(null);
}
