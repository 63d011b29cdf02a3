namespace GpuScheduler.Solver.Bounds;

/// <summary>Parts of cards of one size.</summary>
/// <param name="Milli">The size, in milli-GPU.</param>
/// <param name="Least">How many have to be placed.</param>
/// <param name="Most">How many there are.</param>
internal readonly record struct CardItem(int Milli, long Least, long Most);
