namespace GpuScheduler.Core.Planning;

/// <summary>So many nodes of a kind.</summary>
/// <param name="Kind">What they are.</param>
/// <param name="Count">How many, at least 1.</param>
public sealed record NodesToAdd(NodeKind Kind, int Count);
