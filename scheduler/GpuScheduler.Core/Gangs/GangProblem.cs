using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>One gang to be placed, whole or not at all, on a cluster that stands still.</summary>
public sealed record GangProblem
{
    /// <summary>The network.</summary>
    public required NetworkTopology Topology { get; init; }

    /// <summary>What the nodes can take. Beside the <see cref="Fixed"/> members, which it counts as taken.</summary>
    public required IGangCapacity Capacity { get; init; }

    /// <summary>The roles; at least one.</summary>
    public required ImmutableArray<GangRole> Roles { get; init; }

    /// <summary>The level of which one domain has to hold the gang; null for the whole cluster.</summary>
    public int? RequiredLevel { get; init; }

    /// <summary>
    /// The level of which one domain should hold the gang if that is possible, inside <see cref="RequiredLevel"/>. Domains further in are
    /// not looked for then. Null: the further in, the better.
    /// </summary>
    public int? PreferredLevel { get; init; }

    /// <summary>Members that stay where they are (bound ones). They count towards the roles, the domains, segments and caps.</summary>
    public ImmutableArray<GangSlot> Fixed { get; init; } = [];

    /// <summary>What the best placement is.</summary>
    public GangObjective Objective { get; init; } = GangObjective.Tightest;

    /// <summary>Null when the problem is well formed, else what is wrong with it.</summary>
    public string? Fault()
    {
        if (Roles.IsDefaultOrEmpty)
        {
            return "a gang needs at least one role";
        }

        foreach (var role in Roles)
        {
            if (role.Min < 0 || role.Max < role.Min)
            {
                return $"role {role.Name}: from {role.Min} to {role.Max} members is not a size";
            }

            if (role.Segment is not null && Roles.Length > 1)
            {
                return $"role {role.Name}: segments are for gangs of one role";
            }

            foreach (var span in new[] { role.Segment, role.Spread })
            {
                if (span is { } some && (some.Members < 1 || some.Level < NetworkTopology.NodeLevel || some.Level > Topology.ClusterLevel))
                {
                    return $"role {role.Name}: {some.Members} members on level {some.Level} is neither a segment nor a cap";
                }
            }
        }

        foreach (var level in new[] { RequiredLevel, PreferredLevel })
        {
            if (level is { } some && (some < NetworkTopology.NodeLevel || some > Topology.ClusterLevel))
            {
                return $"there is no level {some}";
            }
        }

        foreach (var slot in Fixed)
        {
            if ((uint)slot.Role >= (uint)Roles.Length || slot.Members < 1 || (uint)slot.Position >= (uint)Topology.Positions || Topology.PlaceOf(slot.Position) < 0)
            {
                return $"fixed members of role {slot.Role} at position {slot.Position} are not in this cluster";
            }
        }

        return null;
    }
}
