using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>Which of several gangs are placed, and where.</summary>
/// <param name="Proof">How good the whole is: objective and bound are sums of weights.</param>
/// <param name="Plans">The gangs' plans, in the order of the batch. Slots number the roles of their own gang. A gang that is left out has none.</param>
/// <param name="GreedyObjective">What the best greedy plan was worth.</param>
public sealed record GangBatchPlan(Proof Proof, ImmutableArray<GangPlan> Plans, long GreedyObjective);
