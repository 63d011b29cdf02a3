namespace GpuScheduler.Core.Fragmentation;

/// <summary>What of a cluster's free cards expected pods cannot use.</summary>
/// <param name="FragmentedMilli">The sum of <see cref="TypicalPods"/>' F over the nodes, in milli-GPU.</param>
/// <param name="FreeMilli">What is free on cards in all, in milli-GPU.</param>
public readonly record struct FragmentationTotals(double FragmentedMilli, long FreeMilli)
{
    /// <summary>The fragmented part of what is free, from 0 to 1; 0 when nothing is free.</summary>
    public double Ratio => FreeMilli == 0 ? 0 : FragmentedMilli / FreeMilli;
}
