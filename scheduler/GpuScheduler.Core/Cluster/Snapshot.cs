namespace GpuScheduler.Core.Cluster;

/// <summary>The cluster at one moment. Never changes after it was published.</summary>
public sealed class Snapshot
{
    private readonly Lazy<NetworkTopology> _topology;

    internal Snapshot(long generation, NodeIndex index, NodeList nodes, Lazy<NetworkTopology> topology)
    {
        _topology = topology;
        Generation = generation;
        Index = index;
        Nodes = nodes;
    }

    /// <summary>Grows with every change of the cluster.</summary>
    public long Generation { get; }

    /// <summary>Names to positions.</summary>
    public NodeIndex Index { get; }

    /// <summary>The nodes by position; null at a free position.</summary>
    public NodeList Nodes { get; }

    /// <summary>The network above the nodes, by their positions. Built on first use; the same for all snapshots between which no node's place changed.</summary>
    public NetworkTopology Topology => _topology.Value;

    /// <summary>The node of a name, or null.</summary>
    public NodeInfo? Find(string name) => Index.Find(name) is >= 0 and var position ? Nodes[position] : null;
}
