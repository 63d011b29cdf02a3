namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>What a replay found.</summary>
/// <param name="Decisions">Decisions that were made again.</param>
/// <param name="Changes">Changes from outside.</param>
/// <param name="IsFull">True when the recording ended because of its size.</param>
/// <param name="Differences">What came out otherwise, in order.</param>
public sealed record ReplayResult(int Decisions, int Changes, bool IsFull, IReadOnlyList<ReplayDifference> Differences);
