namespace GpuScheduler.Core.Gangs;

/// <summary>What one pod says of the gang it belongs to. What it does not say, the group's object or other members may.</summary>
public sealed record GangMembership
{
    /// <summary>The gang.</summary>
    public required GangKey Key { get; init; }

    /// <summary>The part of the gang it belongs to; empty when the dialect has no parts.</summary>
    public string Role { get; init; } = "";

    /// <summary>Orders it among its peers (by rank or completion index), from 0 on; null when not said.</summary>
    public long? Index { get; init; }

    /// <summary>Members without which none may start; null when not said.</summary>
    public int? MinMembers { get; init; }

    /// <summary>Members in all; null when not said.</summary>
    public int? Size { get; init; }

    /// <summary>Members of its own role without which none may start; null when not said.</summary>
    public int? RoleMinMembers { get; init; }

    /// <summary>How long members may wait for each other before what they hold is given back; null when not said.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How close all members have to be.</summary>
    public GangTopology Topology { get; init; } = GangTopology.None;

    /// <summary>How close the members of its role have to be.</summary>
    public GangTopology RoleTopology { get; init; } = GangTopology.None;

    /// <summary>The object that declares the group, if the dialect has one.</summary>
    public GroupObjectId? Object { get; init; }

    /// <summary>UID of that object, where the pod tells; null when it does not.</summary>
    public string? ObjectUid { get; init; }

    /// <summary>True when the key's name lists groups that are only placed all together, each of which is a role.</summary>
    public bool IsBundle { get; init; }

    /// <summary>True when the pod has a controller, so that the object of a dialect of controllers has to exist.</summary>
    public bool IsOwned { get; init; }

    /// <summary>True when the pod asks to be in a gang although its controller's object alone would not make one.</summary>
    public bool IsAsked { get; init; }

    /// <summary>Why the declaration cannot be used, in words for the pod's owner; null when it can.</summary>
    public string? Invalid { get; init; }
}
