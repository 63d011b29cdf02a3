namespace GpuScheduler.Core.Cluster;

/// <summary>The cluster at one moment. Never changes after it was published.</summary>
public sealed class Snapshot
{
    internal Snapshot(long generation, long factsVersion, NodeIndex index, NodeList nodes)
    {
        Generation = generation;
        FactsVersion = factsVersion;
        Index = index;
        Nodes = nodes;
    }

    /// <summary>Grows with every change of the cluster.</summary>
    public long Generation { get; }

    /// <summary>Grows whenever a node comes, goes or has other <see cref="NodeInfo.Facts"/>; who uses it does not matter.</summary>
    internal long FactsVersion { get; }

    /// <summary>Names to positions.</summary>
    public NodeIndex Index { get; }

    /// <summary>The nodes by position; null at a free position.</summary>
    public NodeList Nodes { get; }

    /// <summary>The node of a name, or null.</summary>
    public NodeInfo? Find(string name) => Index.Find(name) is >= 0 and var position ? Nodes[position] : null;
}
