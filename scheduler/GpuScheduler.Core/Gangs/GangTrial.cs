using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>Where a gang would go if it were there now. Nothing is held for it.</summary>
/// <param name="Plan">The plan, with its proof.</param>
/// <param name="Domain">The domain around it, in words; empty when there is none.</param>
/// <param name="Places">The place of each member; empty when the gang has none.</param>
/// <param name="Levels">The names of the levels that <see cref="GangPlan.DomainsUsed"/> counts, nodes first.</param>
public sealed record GangTrial(GangPlan Plan, string Domain, ImmutableArray<GangPlace> Places, ImmutableArray<string> Levels);
