using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Framework;

/// <summary>How the engine decides.</summary>
public sealed record EngineOptions
{
    /// <summary>The plugins.</summary>
    public Profile Profile { get; init; } = Profile.Create(new ScoreWeights());

    /// <summary>A second profile that decides for some namespaces; null when one decides for all.</summary>
    public CanaryProfile? Canary { get; init; }

    /// <summary>Scores are kept and used again where nothing has changed. The answers are the same without, only slower.</summary>
    public bool KeepScores { get; init; } = true;

    /// <summary>
    /// Filter answers with the one best node for every pod that wants GPUs. kube-scheduler then skips its own scores and the
    /// prioritize call: faster, at the price of what other plugins would have preferred.
    /// </summary>
    public bool AnswerOneNode { get; init; }

    /// <summary>How gangs are planned and held together; null to place their members one by one.</summary>
    public GangOptions? Gangs { get; init; }
}
