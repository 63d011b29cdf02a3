using System.Collections.Immutable;

namespace GpuScheduler.Core.Mig;

/// <summary>A way to cut a unit (a GPU, or all GPUs of a node).</summary>
/// <param name="Name">The configuration, or "" for what it is now.</param>
/// <param name="Supply">Free devices that the unit offers then, by kind of slot (<see cref="MigProblem.Slots"/>).</param>
/// <param name="Disturbed">GPUs whose layout changes; 0 when nothing is touched.</param>
public sealed record MigOption(string Name, ImmutableArray<int> Supply, int Disturbed);
