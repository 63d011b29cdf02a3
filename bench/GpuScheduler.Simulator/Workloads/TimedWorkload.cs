using System.Collections.Immutable;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>The arrivals of a timed run.</summary>
/// <param name="Pods">By time; those of equal time in the order in which they are queued.</param>
/// <param name="OfferedPercent">Offered load: GPU time asked for over the GPU time that the cluster has between first and last arrival, in %.</param>
/// <param name="Origin">Where the times come from.</param>
internal sealed record TimedWorkload(ImmutableArray<TimedArrival> Pods, double OfferedPercent, ArrivalOrigin Origin)
{
    /// <summary>How many of the first pods stand for those that run already when the time begins; they arrive at 0, and their waits are not counted.</summary>
    public int Initial { get; init; }

    /// <summary>Time from the first arrival, which is at 0, to the last, in milliseconds.</summary>
    public long SpanMs => Pods.IsEmpty ? 0 : Pods[^1].AtMs;
}
