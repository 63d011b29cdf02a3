namespace GpuScheduler.Simulator.Report;

/// <summary>A node of the map.</summary>
internal sealed record MapNode
{
    /// <summary>Name.</summary>
    public required string Name { get; init; }

    /// <summary>Model, rack or the like by which nodes are drawn together; may be empty.</summary>
    public string Group { get; init; } = "";

    /// <summary>Capacity in milli-CPU; 0 when unknown.</summary>
    public long CpuMilli { get; init; }

    /// <summary>Free milli-CPU.</summary>
    public long FreeCpuMilli { get; init; }

    /// <summary>Whether it takes pods.</summary>
    public NodeCondition Condition { get; init; }

    /// <summary>Its cards by index.</summary>
    public required IReadOnlyList<MapCard> Cards { get; init; }
}
