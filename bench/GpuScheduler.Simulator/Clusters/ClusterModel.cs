using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Simulator.Clusters;

/// <summary>A cluster before a run. Shared by all runs; never changes.</summary>
internal sealed record ClusterModel
{
    /// <summary>Name as shown.</summary>
    public required string Name { get; init; }

    /// <summary>Where it comes from, in a sentence.</summary>
    public required string Source { get; init; }

    /// <summary>The file; null when it is generated.</summary>
    public string? File { get; init; }

    /// <summary>The nodes, in the order given.</summary>
    public required IReadOnlyList<NodeObject> Nodes { get; init; }

    /// <summary>What nodes report of their GPUs, by name of the node.</summary>
    public IReadOnlyDictionary<string, NodeReport> Reports { get; init; } = new Dictionary<string, NodeReport>();

    /// <summary>What other objects than nodes and reports say of the nodes' GPUs, by source and name of the node.</summary>
    public IReadOnlyDictionary<FactSource, IReadOnlyDictionary<string, NodeStatement>> Statements { get; init; } = new Dictionary<FactSource, IReadOnlyDictionary<string, NodeStatement>>();

    /// <summary>Pods that run there already and stay.</summary>
    public IReadOnlyList<PodInfo> BoundPods { get; init; } = [];

    /// <summary>Pods that ran on nodes which were taken away or changed: the engine places them anew before anything arrives.</summary>
    public IReadOnlyList<PodInfo> Displaced { get; init; } = [];

    /// <summary>Pods that the same source shows waiting for a node.</summary>
    public IReadOnlyList<PodInfo> PendingPods { get; init; } = [];

    /// <summary>Nodes that count but take no pod.</summary>
    public IReadOnlySet<string> Cordoned { get; init; } = new HashSet<string>();

    /// <summary>What a reader must know to judge results on it.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>A new state of some of the nodes, in that order, with what they report and the pods that run on them.</summary>
    public ClusterState ToState(IReadOnlyCollection<NodeObject> nodes)
    {
        var state = new ClusterState(StoppedClock.Instance, new LedgerOptions());
        state.ReplaceReports(Reports);
        foreach (var (source, statements) in Statements)
        {
            state.ReplaceStatements(source, statements);
        }

        state.ReplaceNodes(nodes);
        var names = nodes.Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        state.ReplacePods([.. BoundPods.Where(p => names.Contains(p.NodeName!))], consistent: true);
        return state;
    }
}
