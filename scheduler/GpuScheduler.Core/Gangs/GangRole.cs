namespace GpuScheduler.Core.Gangs;

/// <summary>Members of a gang that ask for the same.</summary>
public sealed record GangRole
{
    /// <summary>What messages call it.</summary>
    public required string Name { get; init; }

    /// <summary>What one member asks for, in words for messages, for example "8 GPUs".</summary>
    public string Needs { get; init; } = "";

    /// <summary>Fewest members that the gang can do with; 0 or more.</summary>
    public required int Min { get; init; }

    /// <summary>Most members, at least <see cref="Min"/>. An elastic gang gets as many as there is room for.</summary>
    public required int Max { get; init; }

    /// <summary>What a member counts when it has to be said how much of a gang is placed: its GPUs; 0 for none.</summary>
    public int Gpus { get; init; }

    /// <summary>
    /// Members come in segments of this many, each inside one domain of the level. When <see cref="Max"/> is no multiple of it, one
    /// segment is smaller; an elastic gang gives up whole segments. Null when there are no segments. A gang of several roles has none.
    /// </summary>
    public GangSpan? Segment { get; init; }

    /// <summary>At most this many members in one domain of the level; null when there is no cap.</summary>
    public GangSpan? Spread { get; init; }
}
