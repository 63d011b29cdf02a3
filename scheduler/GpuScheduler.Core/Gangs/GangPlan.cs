using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>Where the members of a gang go.</summary>
public sealed record GangPlan
{
    /// <summary>How good it is.</summary>
    public required Proof Proof { get; init; }

    /// <summary>
    /// The members to be placed; without the fixed ones, and empty when the gang is not placed. By role, then in the order of the
    /// network, so that members handed out in order of rank lie beside each other; the members of a segment follow one another.
    /// </summary>
    public ImmutableArray<GangSlot> Slots { get; init; } = [];

    /// <summary>What is missing; null when the gang is placed or nothing is known.</summary>
    public Shortfall? Shortfall { get; init; }

    /// <summary>Level of the innermost domain around all members, the fixed ones too; -1 when the gang is not placed.</summary>
    public int CommonLevel { get; init; } = -1;

    /// <summary>That domain, as an index of its level; -1 when the gang is not placed.</summary>
    public int CommonDomain { get; init; } = -1;

    /// <summary>Domains used by level, nodes first, fixed members included; empty when the gang is not placed.</summary>
    public ImmutableArray<int> DomainsUsed { get; init; } = [];

    /// <summary>True when the gang has a place.</summary>
    public bool IsPlaced => Proof.Status is ProofStatus.Optimal or ProofStatus.Feasible;
}
