using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Kubernetes.Groups;

namespace GpuScheduler.Kubernetes;

/// <summary>The objects of a cluster at one moment, as a snapshot file has them.</summary>
public sealed record ClusterSnapshotContents
{
    /// <summary>The nodes, in the order of the file.</summary>
    public required IReadOnlyList<NodeObject> Nodes { get; init; }

    /// <summary>The pods, in the order of the file.</summary>
    public required IReadOnlyList<PodInfo> Pods { get; init; }

    /// <summary>The reports of nodes on their GPUs, by the node's name.</summary>
    public required IReadOnlyDictionary<string, NodeReport> Reports { get; init; }

    /// <summary>What ResourceSlices and Koordinator's Devices say, by source and node. What the annotations of nodes say is in them.</summary>
    public IReadOnlyDictionary<FactSource, IReadOnlyDictionary<string, NodeStatement>> Statements { get; init; } = new Dictionary<FactSource, IReadOnlyDictionary<string, NodeStatement>>();

    /// <summary>The objects that declare groups of pods, in the order of the file.</summary>
    public required IReadOnlyList<GroupObject> GroupObjects { get; init; }

    /// <summary>Objects of kinds that do not matter here, by kind.</summary>
    public required IReadOnlyDictionary<string, int> Ignored { get; init; }

    /// <summary>Replaces all that a cluster state knows of the API by these objects.</summary>
    public void ApplyTo(ClusterState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        // Reports first: then the facts of each node are put together once.
        state.ReplaceReports(Reports);
        foreach (var (source, statements) in Statements)
        {
            state.ReplaceStatements(source, statements);
        }

        state.ReplaceNodes(Nodes);

        // Of a kind that has no objects in the file it is not known whether there are any.
        var groups = GroupObjects.ToLookup(g => g.Id.Kind, StringComparer.Ordinal);
        foreach (var resource in GroupResources.All)
        {
            state.ReplaceGroupObjects(resource.Kind, groups.Contains(resource.Kind) ? [.. groups[resource.Kind]] : null);
        }

        state.ReplacePods(Pods, consistent: true);
    }
}
