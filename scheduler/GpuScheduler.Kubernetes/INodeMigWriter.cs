using GpuScheduler.Core.Mig;

namespace GpuScheduler.Kubernetes;

/// <summary>Asks mig-manager for another layout of a node, by the node's labels.</summary>
public interface INodeMigWriter
{
    /// <summary>Writes the labels, if the node still has the configuration that is expected.</summary>
    /// <exception cref="KubernetesApiException">The API server refused or could not be reached.</exception>
    Task<MigWriteOutcome> WriteAsync(MigWrite write, CancellationToken cancellationToken);
}
