using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>What of a cluster's free cards expected pods cannot use.</summary>
/// <param name="FragmentedMilli">The sum of <see cref="TypicalPods"/>' F over the nodes, in milli-GPU.</param>
/// <param name="FreeMilli">What is free on cards in all, in milli-GPU.</param>
public readonly record struct FragmentationTotals(double FragmentedMilli, long FreeMilli)
{
    /// <summary>The fragmented part of what is free, from 0 to 1; 0 when nothing is free.</summary>
    public double Ratio => FreeMilli == 0 ? 0 : FragmentedMilli / FreeMilli;
}

/// <summary>Measures the fragmentation of a cluster time and again. Not thread-safe.</summary>
/// <param name="typical">The expected pods.</param>
public sealed class ClusterFragmentation(TypicalPods typical)
{
    /// <summary>The sums over the nodes, in the order of their positions.</summary>
    public FragmentationTotals Measure(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var (fragmented, free) = (0.0, 0L);
        foreach (var node in snapshot.Nodes)
        {
            if (node is not null)
            {
                fragmented += typical.FragmentedMilli(node);
                free += node.FreeCardMilli;
            }
        }

        return new FragmentationTotals(fragmented, free);
    }
}
