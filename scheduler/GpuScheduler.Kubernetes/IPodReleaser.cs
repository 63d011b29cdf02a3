using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes;

/// <summary>Removes our scheduling gate from pods.</summary>
public interface IPodReleaser
{
    /// <summary>
    /// Removes the gate and, in the same write, fixes the pod to a node if one is given. Nothing happens when the pod is gone, has no such
    /// gate any more, or another pod has its name.
    /// </summary>
    /// <param name="release">The pod, and the node.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">The API server refused or could not be reached; the pod is as it was.</exception>
    Task ReleaseAsync(GangRelease release, CancellationToken cancellationToken);
}
