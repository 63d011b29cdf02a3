using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>How an engine was set up.</summary>
/// <param name="Weights">The weights of its scores.</param>
/// <param name="AnswerOneNode">See <see cref="EngineOptions.AnswerOneNode"/>.</param>
/// <param name="Holds">How long holds last.</param>
public sealed record RecordedSettings(ScoreWeights Weights, bool AnswerOneNode, LedgerOptions Holds)
{
    /// <summary>The profile that decides for some namespaces; null for none.</summary>
    public CanarySettings? Canary { get; init; }

    /// <summary>How gangs are planned, without what plans them and who hears of it; null when members are placed one by one.</summary>
    public GangOptions? Gangs { get; init; }
}
