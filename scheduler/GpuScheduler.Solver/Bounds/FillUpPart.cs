namespace GpuScheduler.Solver.Bounds;

/// <summary>What a pod that arrives takes of cards of the same kind; a pod of several kinds of parts has several of these.</summary>
/// <param name="Arrival">Number of the arrival, from 0; several parts may have the same.</param>
/// <param name="Cards">On how many cards, at least 1. Parts of one pod on the same card are allowed, which loosens the bound only.</param>
/// <param name="Milli">What it takes of each, in milli-GPU: 1000 for whole cards, 1 to 999 for shared ones.</param>
public readonly record struct FillUpPart(int Arrival, int Cards, int Milli);
