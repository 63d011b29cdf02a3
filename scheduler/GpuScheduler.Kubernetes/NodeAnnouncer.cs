using System.Text.Json.Nodes;
using GpuScheduler.Core.Mig;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Writes events of nodes, with the node's name for its UID, as the kubelet's: so kubectl describe node shows them. They are in namespace
/// kube-system, the only one that API servers up to 1.20 take for objects without a namespace.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="time">The clock; null for the system's.</param>
public sealed class NodeAnnouncer(KubernetesConnection connection, TimeProvider? time = null) : INodeAnnouncer
{
    private readonly EventWriter _events = new(connection, time ?? TimeProvider.System);

    /// <inheritdoc/>
    public Task SayAsync(MigNotice notice, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(notice);
        return _events.WriteAsync(
            "kube-system",
            new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = notice.Node, ["uid"] = notice.Node },
            "Repartitioning",
            "MigLayout" + notice.Kind,
            notice.Note,
            notice.IsWarning,
            cancellationToken);
    }
}
