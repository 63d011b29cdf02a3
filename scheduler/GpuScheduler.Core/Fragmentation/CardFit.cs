namespace GpuScheduler.Core.Fragmentation;

/// <summary>The cards of a node as one demand on a card sees them.</summary>
/// <param name="Cards">How many have enough free.</param>
/// <param name="Rest">What is free on the others, in milli-GPU.</param>
internal readonly record struct CardFit(int Cards, int Rest);
