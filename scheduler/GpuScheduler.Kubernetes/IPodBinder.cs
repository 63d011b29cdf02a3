using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Kubernetes;

/// <summary>Binds pods to nodes. The only thing that writes to the API.</summary>
public interface IPodBinder
{
    /// <summary>
    /// Binds a pod and, in the same write, says in its annotations which devices it holds. An outcome that the API server did not
    /// tell is asked for before it is called unknown.
    /// </summary>
    /// <param name="podNamespace">Namespace of the pod.</param>
    /// <param name="podName">Name of the pod.</param>
    /// <param name="podUid">UID of the pod: another pod of that name is not bound.</param>
    /// <param name="node">Name of the node.</param>
    /// <param name="devices">The devices; without any, nothing is written beside the node.</param>
    /// <param name="contract">What else is written in the same request, for the node's device plugin.</param>
    /// <param name="cancellationToken">Ends the attempt; the outcome is then unknown.</param>
    Task<BindOutcome> BindAsync(string podNamespace, string podName, string podUid, string node, DeviceAssignment devices, PluginContract contract, CancellationToken cancellationToken);

    /// <summary>The pod as the API server has it now, or null when there is none of that name.</summary>
    /// <param name="podNamespace">Namespace of the pod.</param>
    /// <param name="podName">Name of the pod.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">The API server refused or could not be reached.</exception>
    Task<PodInfo?> GetPodAsync(string podNamespace, string podName, CancellationToken cancellationToken);
}
