namespace GpuScheduler.Solver.Bounds;

/// <summary>Cards with the same room.</summary>
/// <param name="FreeMilli">What is free on each, in milli-GPU.</param>
/// <param name="Count">How many cards.</param>
internal readonly record struct CardClass(int FreeMilli, long Count);
