namespace GpuScheduler.Simulator.Report;

/// <summary>The nodes of a cluster at the end of a run.</summary>
internal sealed record ClusterMap
{
    /// <summary>The run's seed.</summary>
    public required long Seed { get; init; }

    /// <summary>What <see cref="MapNode.Group"/> is, e.g. "GPU model" or "rack".</summary>
    public string GroupedBy { get; init; } = "GPU model";

    /// <summary>Nodes in the order in which they are drawn within their group; groups come in order of first appearance.</summary>
    public required IReadOnlyList<MapNode> Nodes { get; init; }
}
