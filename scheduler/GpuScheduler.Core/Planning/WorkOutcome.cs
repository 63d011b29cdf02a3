using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Planning;

/// <summary>What became of a gang or a pod when it was placed.</summary>
/// <param name="Work">What was to be placed.</param>
/// <param name="IsPlaced">True when all that it needs has a place.</param>
/// <param name="Places">The places of those of its pods that have one, in their order.</param>
/// <param name="Why">Why it has none, in the fewest words that are true; empty when it has.</param>
public sealed record WorkOutcome(WorkItem Work, bool IsPlaced, ImmutableArray<GangPlace> Places, string Why)
{
    /// <summary>Nodes by the reason for which they were refused, the most frequent first; empty for a gang, which is judged as a whole.</summary>
    public ImmutableArray<(string Reason, int Nodes)> Refusals { get; init; } = [];

    /// <summary>How good the plan of a gang is; null for a single pod.</summary>
    public Proof? Proof { get; init; }

    /// <summary>True when it was placed anew as a whole, though others of its pods run: they would have to be restarted.</summary>
    public bool Restarts { get; init; }
}
