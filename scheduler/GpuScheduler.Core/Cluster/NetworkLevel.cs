using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace GpuScheduler.Core.Cluster;

/// <summary>One level of the network above the nodes, as the configuration names it.</summary>
/// <param name="Name">What gangs and messages call it, for example rack.</param>
/// <param name="Labels">Node labels whose value names the domain; the first one that a node carries counts.</param>
public sealed record NetworkLevel(string Name, ImmutableArray<string> Labels)
{
    /// <summary>The label of GPU Feature Discovery with the NVLink domain above the node: cluster UUID, a dot, clique id.</summary>
    public const string CliqueLabel = "nvidia.com/gpu.clique";

    /// <summary>
    /// The levels that are known without configuration, innermost first. Sources: GPU Feature Discovery (clique); Topograph, current
    /// keys (accelerator.topograph.run, fabric.topograph.run) and earlier ones (network.topology.nvidia.com; there block was leaf and
    /// datacenter was core); the cloud providers' node labels, of which AWS counts its layers from the top; Kueue's examples
    /// (cloud.provider.com); Kubernetes' well-known zone.
    /// </summary>
    public static ImmutableArray<NetworkLevel> Defaults { get; } =
    [
        new("nvlink", [CliqueLabel, "accelerator.topograph.run/domain", "network.topology.nvidia.com/accelerator", "topology.k8s.aws/ultraserver-id"]),
        new("rack", ["network.topology.nvidia.com/leaf", "network.topology.nvidia.com/block", "fabric.topograph.run/tier-0", "topology.k8s.aws/network-node-layer-3", "cloud.google.com/gce-topology-subblock", "oci.oraclecloud.com/rdma.local_block_id", "cloud.provider.com/topology-rack"]),
        new("block", ["cloud.google.com/gce-topology-block", "oci.oraclecloud.com/rdma.network_block_id", "cloud.provider.com/topology-block"]),
        new("spine", ["network.topology.nvidia.com/spine", "fabric.topograph.run/tier-1", "topology.k8s.aws/network-node-layer-2", "oci.oraclecloud.com/rdma.hpc_island_id"]),
        new("core", ["network.topology.nvidia.com/core", "network.topology.nvidia.com/datacenter", "fabric.topograph.run/tier-2", "topology.k8s.aws/network-node-layer-1"]),
        new("zone", ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]),
    ];

    /// <summary>HGX machines report this cluster UUID although they belong to no domain above the node.</summary>
    private const string NoCluster = "00000000-0000-0000-0000-000000000000";

    private static readonly FrozenSet<string> s_defaultLabels = Defaults.SelectMany(level => level.Labels).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>True for a label value that names a domain: not empty, and no NVLink clique of the all-zero cluster UUID.</summary>
    internal static bool NamesDomain([NotNullWhen(true)] string? value) => !string.IsNullOrEmpty(value) && !value.StartsWith(NoCluster, StringComparison.Ordinal);

    /// <summary>True for the labels of <see cref="Defaults"/>.</summary>
    public static bool IsDefaultLabel(string key) => s_defaultLabels.Contains(key);
}
