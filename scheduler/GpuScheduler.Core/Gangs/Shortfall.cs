using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// What is missing for a gang: the least number of members that would have to be left out, in the domain that comes nearest.
/// </summary>
/// <param name="Level">Level of the domain.</param>
/// <param name="Domain">The domain that comes nearest.</param>
/// <param name="Missing">Members without room, by role.</param>
/// <param name="Because">What stands against it.</param>
public sealed record Shortfall(int Level, int Domain, ImmutableArray<int> Missing, ShortfallCause Because);
