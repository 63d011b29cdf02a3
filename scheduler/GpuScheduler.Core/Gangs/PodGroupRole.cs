using System.Collections.Immutable;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>Members of a group that are alike: of one part, and with one request. To a solver they are interchangeable.</summary>
public sealed record PodGroupRole
{
    /// <summary>The part they belong to (see <see cref="PodGroupPart.Name"/>); empty when it is in none. Two roles may share it, and a part of which nothing was declared is not among the group's.</summary>
    public required string Part { get; init; }

    /// <summary>The devices each asks for; none for members that need no GPU.</summary>
    public required GpuRequest Request { get; init; }

    /// <summary>CPU that each requests, in milli-CPU.</summary>
    public required long CpuMilli { get; init; }

    /// <summary>Memory that each requests, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>What each asks of a node beside resources; null when that is not known.</summary>
    public NodeDemands? Demands { get; init; }

    /// <summary>How many of them the gang needs; those beyond are elastic. The first ones of <see cref="Members"/> are meant.</summary>
    public required int MinMembers { get; init; }

    /// <summary>The members, those that the gang needs first: bound ones, then by index and name.</summary>
    public required ImmutableArray<PodInfo> Members { get; init; }
}
