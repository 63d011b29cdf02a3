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

    /// <summary>Both demands as one; null when they contradict each other.</summary>
    internal GangTopology? And(GangTopology other)
    {
        if (this == None || other == None)
        {
            return this == None ? other : this;
        }

        if (Differ(Required, other.Required) || Differ(Preferred, other.Preferred) || Differ(SegmentRequired, other.SegmentRequired)
            || Differ(SegmentPreferred, other.SegmentPreferred) || (SegmentSize > 0 && other.SegmentSize > 0 && SegmentSize != other.SegmentSize))
        {
            return null;
        }

        return new GangTopology
        {
            Required = Required ?? other.Required,
            Preferred = Preferred ?? other.Preferred,
            SegmentSize = Math.Max(SegmentSize, other.SegmentSize),
            SegmentRequired = SegmentRequired ?? other.SegmentRequired,
            SegmentPreferred = SegmentPreferred ?? other.SegmentPreferred,
        };
    }

    private static bool Differ(TopologyLevel? a, TopologyLevel? b) => a is not null && b is not null && a != b;
}
