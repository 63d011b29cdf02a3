using System.Collections.Immutable;

namespace GpuScheduler.Core.Mig;

/// <summary>Units that are alike: so many GPUs with the same slices taken, or nodes with the same GPUs, layout and choices.</summary>
/// <param name="Count">How many.</param>
/// <param name="Options">The ways to cut one of them. A unit for which none is chosen stays as it is, and serves nobody.</param>
public sealed record MigUnits(int Count, ImmutableArray<MigOption> Options);
