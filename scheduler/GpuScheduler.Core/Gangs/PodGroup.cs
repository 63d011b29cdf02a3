using System.Collections.Immutable;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>A gang as it stands: what was declared of it, and which members are there. It never changes; a change makes another.</summary>
public sealed record PodGroup
{
    /// <summary>Which gang.</summary>
    public required GangKey Key { get; init; }

    /// <summary>What may be done with it.</summary>
    public required PodGroupStanding Standing { get; init; }

    /// <summary>Why it is no gang, waits, or is invalid, in words for the owner of its pods; empty when it is complete.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Members that must hold a place before any may start, at least 1; 0 when that is not known.</summary>
    public int MinMembers { get; init; }

    /// <summary>Members in all, as declared or as present, whichever is more; 0 when that is not known.</summary>
    public int Size { get; init; }

    /// <summary>The members that count: not being deleted, and not held back by a gate of others. Bound ones first, then by index and name.</summary>
    public ImmutableArray<PodInfo> Members { get; init; } = [];

    /// <summary>The members by part and request, in the order in which they first appear; their <see cref="PodGroupRole.MinMembers"/> add up to <see cref="MinMembers"/> in a complete group.</summary>
    public ImmutableArray<PodGroupRole> Roles { get; init; } = [];

    /// <summary>The parts of which something was declared; empty when there are none.</summary>
    public ImmutableArray<PodGroupPart> Parts { get; init; } = [];

    /// <summary>How long members may wait for each other before what they hold is given back; null for the configured time.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How close all members have to be.</summary>
    public GangTopology Topology { get; init; } = GangTopology.None;

    /// <summary>Its priority as its object has it, else the lowest among its members: what the group may preempt, each of them may.</summary>
    public int Priority { get; init; }

    /// <summary>The object that declares it; null when the pods alone do.</summary>
    public GroupObjectId? Object { get; init; }
}
