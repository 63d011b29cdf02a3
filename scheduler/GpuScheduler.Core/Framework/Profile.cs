using System.Collections.Immutable;
using GpuScheduler.Core.Plugins;

namespace GpuScheduler.Core.Framework;

/// <summary>A score plugin and how much it counts.</summary>
/// <param name="Plugin">The plugin.</param>
/// <param name="Weight">Its weight, 0 or more, relative to the others.</param>
public readonly record struct WeightedScore(IScorePlugin Plugin, double Weight);

/// <summary>The plugins that decide, in order.</summary>
/// <param name="Filters">The first that fails gives the reason.</param>
/// <param name="Scores">A node's score is their weighted mean, from 0 to 1.</param>
public sealed record Profile(ImmutableArray<IFilterPlugin> Filters, ImmutableArray<WeightedScore> Scores)
{
    /// <summary>The plugins with which the service starts.</summary>
    public static Profile Default { get; } = Create(new ScoreWeights());

    /// <summary>The default plugins with weights of one's own.</summary>
    public static Profile Create(ScoreWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return new(
            [new GpuPresence(), new GpuModel(), new GpuFit()],
            [
                new(new Topology(), weights.Topology),
                new(new Fragmentation(), weights.Fragmentation),
                new(new Packing(), weights.Packing),
            ]);
    }
}
