namespace GpuScheduler.Core.Gangs;

/// <summary>How close to each other the members of a gang, or of a part of it, have to be.</summary>
public sealed record GangTopology
{
    /// <summary>Anywhere.</summary>
    public static GangTopology None { get; } = new();

    /// <summary>All members in one domain of this level; null when that is not asked for.</summary>
    public TopologyLevel? Required { get; init; }

    /// <summary>All members in one domain of this level if that can be; null when that is not asked for.</summary>
    public TopologyLevel? Preferred { get; init; }

    /// <summary>So many members each form a segment, which is placed closer together than the whole; 0 for no segments.</summary>
    public int SegmentSize { get; init; }

    /// <summary>Each segment in one domain of this level; null when that is not asked for.</summary>
    public TopologyLevel? SegmentRequired { get; init; }

    /// <summary>Each segment in one domain of this level if that can be; null when that is not asked for.</summary>
    public TopologyLevel? SegmentPreferred { get; init; }
}
