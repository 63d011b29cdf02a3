using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>What became of an attempt to plan.</summary>
/// <param name="Plan">The plan, with its proof.</param>
/// <param name="Domain">The domain around it, in words; empty when there is none.</param>
/// <param name="Held">The members that now hold a place by it; empty when none was held.</param>
internal sealed record GangOutcome(GangPlan Plan, string Domain, ImmutableArray<PodInfo> Held)
{
    /// <summary>The network whose domains the plan numbers; null when it has none.</summary>
    public NetworkTopology? Network { get; init; }

    public static GangOutcome Impossible(string why) =>
        new(new GangPlan { Proof = new Proof(ProofStatus.Infeasible, "declaration", 0, 0, why, TimeSpan.Zero) }, "", []);

    public static GangOutcome Undecided(string why) =>
        new(new GangPlan { Proof = new Proof(ProofStatus.Undecided, "attempts", 0, 0, why, TimeSpan.Zero) }, "", []);
}
