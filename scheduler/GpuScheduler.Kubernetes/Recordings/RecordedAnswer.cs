using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>
/// One answer of the solver. It is recorded because it may depend on how long the machine took; it is used again where the same is asked.
/// </summary>
/// <param name="Question">A digest of the question.</param>
public sealed record RecordedAnswer(string Question)
{
    /// <summary>The plan of one gang; null when something else was asked.</summary>
    public GangPlan? Plan { get; init; }

    /// <summary>Whom to evict; null when something else was asked.</summary>
    public EvictionPlan? Room { get; init; }

    /// <summary>The plan of several gangs; null when something else was asked.</summary>
    public GangBatchPlan? Batch { get; init; }
}
