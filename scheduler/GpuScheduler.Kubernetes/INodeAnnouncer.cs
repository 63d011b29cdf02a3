using GpuScheduler.Core.Mig;

namespace GpuScheduler.Kubernetes;

/// <summary>Says on the API what happens to nodes.</summary>
public interface INodeAnnouncer
{
    /// <summary>Writes an event of a node.</summary>
    /// <exception cref="KubernetesApiException">The API server refused or could not be reached.</exception>
    Task SayAsync(MigNotice notice, CancellationToken cancellationToken);
}
