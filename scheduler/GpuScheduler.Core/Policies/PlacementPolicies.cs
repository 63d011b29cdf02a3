using System.Collections.Immutable;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Policies;

/// <summary>
/// Placement policies by name, each as a profile that decides alone: with the filter for CPU, memory and number of pods. Those that
/// were published are as the experiment of FGD (Weng et al., USENIX ATC 2023) runs them, integers and cut-off fractions included;
/// their scores are divided by 100.
/// </summary>
public static class PlacementPolicies
{
    private static readonly ImmutableDictionary<string, (Func<PolicyContext, Profile> Create, Func<IGangPlacer>? Gangs)> s_policies = new Dictionary<string, (Func<PolicyContext, Profile>, Func<IGangPlacer>?)>(StringComparer.Ordinal)
    {
        ["fgd"] = (Fgd, null),
        ["bestfit"] = (static _ => Of(LeastFree.Instance, new BestFit()), static () => new BestFitGangs()),
        ["dotproduct"] = (static _ => Of(LeastFree.Instance, new DotProduct()), null),
        ["gpupacking"] = (static _ => Of(LeastFree.Instance, new GpuPacking()), null),
        ["gpuclustering"] = (static _ => Of(LeastFree.Instance, new GpuClustering()), null),
        ["firstfit"] = (static _ => Of(LeastFree.Instance), null),
        ["random"] = (static context => Of(new RandomCard(context.Seed)) with { TieSeed = context.Seed }, null),
        ["leastallocated"] = (static _ => Of(LeastFree.Instance, new LeastAllocated()), null),
        ["mostallocated"] = (static _ => Of(LeastFree.Instance, new MostAllocated()), null),
        ["default"] = (Own, static () => new ExactGangPlacer()),
        [PodByPod] = (Own, null),
    }.ToImmutableDictionary(StringComparer.Ordinal);

    /// <summary>
    /// The policy that places the members of a gang one by one, each holding its place until the last has one, as a scheduler does that
    /// knows no gangs. Its pods are placed as those of the engine's own policy.
    /// </summary>
    public const string PodByPod = "podbypod";

    /// <summary>The names, in alphabetical order.</summary>
    public static ImmutableArray<string> Names { get; } = [.. s_policies.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Makes a policy. A policy may learn: engines do not share one.</summary>
    /// <exception cref="ArgumentException">There is no such policy; the message lists those that there are.</exception>
    public static Profile Create(string name, PolicyContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return s_policies.TryGetValue(name, out var policy)
            ? policy.Create(context)
            : throw new ArgumentException($"there is no policy \"{name}\"; there are {string.Join(", ", Names)}", nameof(name));
    }

    /// <summary>
    /// How a policy plans gangs; null for those that know none: their members are placed one after the other, all or none, or as
    /// <see cref="PodByPod"/> has it. Best fit has a counterpart for gangs, Kueue's.
    /// </summary>
    public static IGangPlacer? GangPlacer(string name) => s_policies.GetValueOrDefault(name).Gangs?.Invoke();

    private static Profile Own(PolicyContext context) => Profile.Create(new ScoreWeights(), context.TypicalPods).WithNodeResources();

    private static Profile Fgd(PolicyContext context)
    {
        var learner = context.TypicalPods is null ? new TypicalPodsLearner() : null;
        var fgd = new FragmentationGradient(context.TypicalPods ?? learner!);
        return Of(fgd, fgd) with { Observer = learner };
    }

    private static Profile Of(IShareCardOrder cards, params ReadOnlySpan<IScorePlugin> scores)
    {
        var profile = new Profile(Profile.DefaultFilters, []) { CardOrder = cards }.WithNodeResources();
        foreach (var score in scores)
        {
            profile = profile with { Scores = profile.Scores.Add(new WeightedScore(score, 1)) };
        }

        return profile;
    }
}
