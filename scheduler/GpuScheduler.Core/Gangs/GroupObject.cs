using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>What an object says of the group, or of the groups, that it declares.</summary>
public sealed record GroupObject
{
    /// <summary>Which object.</summary>
    public required GroupObjectId Id { get; init; }

    /// <summary>Its UID; empty when not known.</summary>
    public string Uid { get; init; } = "";

    /// <summary>False when the object says, or means, that its pods are placed one by one.</summary>
    public bool IsGang { get; init; } = true;

    /// <summary>Members without which none may start; null when it does not say.</summary>
    public int? MinMembers { get; init; }

    /// <summary>Members in all; null when it does not say.</summary>
    public int? Size { get; init; }

    /// <summary>Members that have done their work and are not needed again.</summary>
    public int Succeeded { get; init; }

    /// <summary>How long members may wait for each other before what they hold is given back; null when it does not say.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Priority of the group; null when that of its pods counts.</summary>
    public int? Priority { get; init; }

    /// <summary>How close the members have to be.</summary>
    public GangTopology Topology { get; init; } = GangTopology.None;

    /// <summary>Its parts; empty when it has none.</summary>
    public ImmutableArray<PodGroupPart> Parts { get; init; } = [];

    /// <summary>
    /// True when the pods of a part may be created only after those of another part run: a part of which no pod exists is then
    /// not waited for.
    /// </summary>
    public bool PartsInOrder { get; init; }

    /// <summary>Why it cannot be used, in words for its owner; null when it can.</summary>
    public string? Invalid { get; init; }
}
