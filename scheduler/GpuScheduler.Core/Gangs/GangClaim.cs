using System.Collections.Frozen;
using System.Collections.Immutable;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// What is kept for a gang: where it would go if some of those who are there now went away, or where members of it were. Others that
/// come after it may use what its members leave of these nodes, and no more. Immutable.
/// </summary>
internal sealed class GangClaim
{
    public GangClaim(GangKey gang, GangRank rank, IEnumerable<(PodInfo Pod, string Node)> places, string which = "which is due next")
    {
        Gang = gang;
        Rank = rank;
        Members = places.GroupBy(p => p.Node, p => p.Pod, StringComparer.Ordinal).ToFrozenDictionary(g => g.Key, g => g.ToImmutableArray(), StringComparer.Ordinal);
        Refusal = Reasons.Kept.Because($"kept for gang {gang}, {which}");
    }

    public GangKey Gang { get; }

    public GangRank Rank { get; }

    /// <summary>The members that would go to a node, by its name.</summary>
    public FrozenDictionary<string, ImmutableArray<PodInfo>> Members { get; }

    /// <summary>What others are told.</summary>
    public Status Refusal { get; }

    /// <summary>True for a single pod that comes after the gang: one that is not more urgent.</summary>
    public bool Binds(PodInfo single) => single.Priority <= Rank.Priority;

    /// <summary>True for a gang that comes after this one. What a gang may have beyond its need counts as single pods do.</summary>
    public bool Binds(GangKey gang, GangRank rank, bool hasPlaces) =>
        gang != Gang && (hasPlaces ? rank.Priority <= Rank.Priority : rank.CompareTo(Rank) > 0);
}
