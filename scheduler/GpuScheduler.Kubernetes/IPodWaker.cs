using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes;

/// <summary>Makes kube-scheduler look at a pending pod again.</summary>
public interface IPodWaker
{
    /// <summary>Touches the pod. Nothing happens when it is gone.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">The API server refused or could not be reached.</exception>
    Task WakeAsync(PodInfo pod, CancellationToken cancellationToken);
}
