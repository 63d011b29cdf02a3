using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Policies;

/// <summary>The profiles of the service: those of <see cref="PlacementPolicies"/>, with the filters of one whom kube-scheduler judges CPU and memory for.</summary>
public static class ServiceProfiles
{
    /// <summary>The policy of the service itself; the only one that has weights.</summary>
    public const string Own = "default";

    /// <summary>Makes a profile that has learned nothing. Engines do not share one.</summary>
    /// <param name="policy">One of <see cref="PlacementPolicies.Names"/>.</param>
    /// <param name="weights">How much each part of a score counts, for <see cref="Own"/>.</param>
    public static Profile Create(string policy, ScoreWeights weights) => policy == Own
        ? Profile.Create(weights)
        : PlacementPolicies.Create(policy, new PolicyContext()) with { Filters = Profile.DefaultFilters };

    /// <summary>
    /// The same engine with other settings. What its profiles have learned stays: the one that serves changes its weights alone, and a
    /// canary of the same name and policy goes on. A canary of the service's own policy learns with the one that serves, and so knows from
    /// the start what that one does.
    /// </summary>
    /// <param name="present">How it is set up; its profile is of the service's own policy.</param>
    /// <param name="weights">The weights of the profile that serves.</param>
    /// <param name="answerOneNode">See <see cref="EngineOptions.AnswerOneNode"/>.</param>
    /// <param name="canary">The canary; null for none.</param>
    public static EngineOptions Change(EngineOptions present, ScoreWeights weights, bool answerOneNode, CanarySettings? canary)
    {
        ArgumentNullException.ThrowIfNull(present);
        var serving = present.Profile.WithWeights(weights);
        return present with
        {
            Profile = serving,
            AnswerOneNode = answerOneNode,
            Canary = canary is null ? null : new CanaryProfile(canary.Name, canary.Policy, Of(canary, serving, present.Canary), canary.Namespaces),
        };
    }

    private static Profile Of(CanarySettings canary, Profile serving, CanaryProfile? before) =>
        before is not null && before.Name == canary.Name && before.Policy == canary.Policy ? before.Profile.WithWeights(canary.Weights)
            : canary.Policy == Own ? serving.WithWeights(canary.Weights)
            : Create(canary.Policy, canary.Weights);
}
