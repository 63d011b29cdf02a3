namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>How the gangs were looked at: see <see cref="Core.Gangs.GangScheduler.TakeTurn"/>.</summary>
/// <param name="Evictions">Most evictions.</param>
/// <param name="Releases">Most releases.</param>
/// <param name="Wakes">Most wakes.</param>
/// <param name="EndedBatch">True when a plan for several gangs together was taken over.</param>
public sealed record RecordedTurn(int Evictions, int Releases, int Wakes, bool EndedBatch);
