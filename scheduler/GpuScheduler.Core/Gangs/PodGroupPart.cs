namespace GpuScheduler.Core.Gangs;

/// <summary>A part of a group as it was declared: a subgroup, a task, a replicated job, a kind of replica.</summary>
/// <param name="Name">Its name, which members give as their role.</param>
/// <param name="MinMembers">Members of it without which none of the group may start.</param>
public sealed record PodGroupPart(string Name, int MinMembers)
{
    /// <summary>Members of it in all; null when not said.</summary>
    public int? Size { get; init; }

    /// <summary>The part that this one is a part of; null at the top.</summary>
    public string? Parent { get; init; }

    /// <summary>How close its members have to be.</summary>
    public GangTopology Topology { get; init; } = GangTopology.None;
}
