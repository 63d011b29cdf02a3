using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes;

/// <summary>Removes pods for others.</summary>
public interface IPodEvictor
{
    /// <summary>Deletes the pod, with the time to end that it asks for. Nothing happens when it is gone.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">The API server refused or could not be reached.</exception>
    Task EvictAsync(PodInfo pod, CancellationToken cancellationToken);
}
