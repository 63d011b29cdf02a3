using System.Collections.Immutable;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Plugins;

namespace GpuScheduler.Core.Framework;

/// <summary>A score plugin and how much it counts.</summary>
/// <param name="Plugin">The plugin.</param>
/// <param name="Weight">Its weight, 0 or more, relative to the others.</param>
public readonly record struct WeightedScore(IScorePlugin Plugin, double Weight);

/// <summary>The plugins that decide, in order.</summary>
/// <param name="Filters">The first that fails gives the reason.</param>
/// <param name="Scores">A node's score is the weighted mean of those that score the pod; without any, all nodes are equal.</param>
public sealed record Profile(ImmutableArray<IFilterPlugin> Filters, ImmutableArray<WeightedScore> Scores)
{
    /// <summary>What the profile is called beside a <see cref="CanaryProfile"/>.</summary>
    public const string BaseName = "base";

    /// <summary>The filters of the service.</summary>
    public static ImmutableArray<IFilterPlugin> DefaultFilters { get; } = [new NodeOpen(), new GpuPresence(), new GpuModel(), new GpuFit()];

    /// <summary>Which card a share gets.</summary>
    public IShareCardOrder CardOrder { get; init; } = LeastFree.Instance;

    /// <summary>Among equally good nodes: null for the first by position, else any, as chance has it with this seed.</summary>
    public ulong? TieSeed { get; init; }

    /// <summary>What learns from the pods that arrive; null when nothing does.</summary>
    public IArrivalObserver? Observer { get; init; }

    /// <summary>The service's plugins. The profile learns from the pods that its engine sees: engines do not share one.</summary>
    /// <param name="weights">How much each part of a score counts.</param>
    /// <param name="expected">Pods that are expected, as a first guess; null for a general one.</param>
    public static Profile Create(ScoreWeights weights, ITypicalPodsSource? expected = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var stranding = new Stranding(expected);
        return new(
            DefaultFilters,
            [
                new(new Topology(), weights.Topology),
                new(stranding, weights.Stranding),
                new(new GpuNodesLast(), 1),
                .. weights.Locality > 0 ? new[] { new WeightedScore(new DataLocality(), weights.Locality) } : [],
            ])
        {
            CardOrder = stranding,
            Observer = stranding,
        };
    }

    /// <summary>
    /// The same plugins with other weights: what they have learned stays. A profile that is not of <see cref="Create"/> has none to change.
    /// The profile itself when nothing is different.
    /// </summary>
    public Profile WithWeights(ScoreWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ImmutableArray<WeightedScore> scores =
        [
            .. Scores.Where(s => s.Plugin is not DataLocality || weights.Locality > 0).Select(s => s.Plugin switch
            {
                Topology => s with { Weight = weights.Topology },
                Stranding => s with { Weight = weights.Stranding },
                DataLocality => s with { Weight = weights.Locality },
                _ => s,
            }),
        ];
        if (weights.Locality > 0 && Scores.Any(s => s.Plugin is Stranding) && !Scores.Any(s => s.Plugin is DataLocality))
        {
            scores = scores.Add(new WeightedScore(new DataLocality(), weights.Locality));
        }

        return scores.SequenceEqual(Scores) ? this : this with { Scores = scores };
    }

    /// <summary>The profile for one that decides alone: CPU, memory and the number of pods are checked as well.</summary>
    public Profile WithNodeResources() => this with { Filters = [new NodeResourcesFit(), .. Filters] };

    /// <summary>The profile for one that no kube-scheduler stands before: node selector, required node affinity and taints are checked as well, as far as they are known.</summary>
    public Profile WithNodeDemands() => this with { Filters = [new NodeDemandsFit(), .. Filters] };
}
