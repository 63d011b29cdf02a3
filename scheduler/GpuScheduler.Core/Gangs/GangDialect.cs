using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// One way of declaring a gang: which words on a pod say what. Where several places are given for one thing, the first that is
/// there counts, and others must not say otherwise.
/// </summary>
internal sealed record GangDialect
{
    /// <summary>Its name, in keys and messages.</summary>
    public required string Name { get; init; }

    /// <summary>How it ranks beside others.</summary>
    public required GangTier Tier { get; init; }

    /// <summary>The name of the group, and of the object that declares it.</summary>
    public required ImmutableArray<PodField> Group { get; init; }

    /// <summary>What distinguishes several groups of one such object.</summary>
    public ImmutableArray<PodField> GroupParts { get; init; } = [];

    /// <summary>One of these must be there, beside the name; empty when the name suffices.</summary>
    public ImmutableArray<PodField> NeedsOneOf { get; init; } = [];

    /// <summary>One of these must have one of these values, beside the name; empty when the name suffices.</summary>
    public ImmutableArray<(PodField Field, string Value)> NeedsValue { get; init; } = [];

    /// <summary>The part of the gang the pod belongs to.</summary>
    public ImmutableArray<PodField> Role { get; init; } = [];

    /// <summary>The roles of the pod with index 0 and of all others, in a dialect that has these two and no word for them.</summary>
    public (string First, string Others)? RolesByIndex { get; init; }

    /// <summary>The place among peers: the first number orders, the second orders within it, each given by alternatives.</summary>
    public ImmutableArray<ImmutableArray<PodField>> Index { get; init; } = [];

    /// <summary>Members without which none may start.</summary>
    public ImmutableArray<PodField> MinMembers { get; init; } = [];

    /// <summary>Members in all.</summary>
    public ImmutableArray<PodField> Size { get; init; } = [];

    /// <summary>Members of the pod's role without which none may start.</summary>
    public ImmutableArray<PodField> RoleMinMembers { get; init; } = [];

    /// <summary>
    /// A JSON list of "namespace/name": groups that are only placed all together. They become one gang, and each of them a role of it.
    /// </summary>
    public ImmutableArray<PodField> Bundle { get; init; } = [];

    /// <summary>How long members may wait for each other.</summary>
    public ImmutableArray<PodField> Timeout { get; init; } = [];

    /// <summary>The kind of the object that declares the group; null when there is none.</summary>
    public string? ObjectKind { get; init; }

    /// <summary>The UID of that object.</summary>
    public ImmutableArray<PodField> ObjectUid { get; init; } = [];

    /// <summary>True when each part of the object is a group of its own, and not a part of one.</summary>
    public bool PartIsGroup { get; init; }
}
