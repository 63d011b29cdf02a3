using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>Whom to evict, and where the gang goes then.</summary>
/// <param name="Proof">How good it is: objective and bound are sums of costs.</param>
/// <param name="Victims">The jobs, as indices of the problem's list, ascending; empty when the gang fits as it is, and when it never will.</param>
/// <param name="Gang">The gang's plan once they are gone.</param>
public sealed record EvictionPlan(Proof Proof, ImmutableArray<int> Victims, GangPlan Gang);
