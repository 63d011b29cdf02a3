using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>A gang as an operator wants to see it.</summary>
public sealed record GangView
{
    /// <summary>What was declared of it, and who is there.</summary>
    public required PodGroup Group { get; init; }

    /// <summary>Where it stands.</summary>
    public required GangState State { get; init; }

    /// <summary>Why it is not running, as its pods show it; empty when there is nothing to say.</summary>
    public required string Reason { get; init; }

    /// <summary>The members.</summary>
    public required ImmutableArray<GangMemberView> Members { get; init; }

    /// <summary>The last plan or attempt, with its proof; null when there was none since the start of the process.</summary>
    public GangPlan? Plan { get; init; }

    /// <summary>The domain around all places of the plan, for example "spine s2"; empty when there is none.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Its number among the gangs that wait for a place, from 1; null when it does not wait.</summary>
    public int? QueuePlace { get; init; }

    /// <summary>Names of the nodes that are kept for it, in order; empty unless it is due next, or pods are being removed for it.</summary>
    public ImmutableArray<string> KeptNodes { get; init; } = [];

    /// <summary>When planned places are given back unless a member shows; null when none are held.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>What happened, the oldest first; the last few only.</summary>
    public ImmutableArray<GangEvent> History { get; init; } = [];
}
