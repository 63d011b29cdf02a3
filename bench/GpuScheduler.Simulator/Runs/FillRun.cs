using GpuScheduler.Simulator.Bounds;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Runs;

/// <summary>
/// The fill-up experiment: pods arrive one at a time; each is placed at once or dropped for good; none ever leaves. A record is
/// taken after every arrival.
/// </summary>
internal static class FillRun
{
    /// <summary>Runs it.</summary>
    public static FillOutcome Run(Trace trace, Arrivals arrivals, ClusterFacts facts, SimulatedCluster cluster, CancellationToken cancellation)
    {
        var curve = new FillCurve(facts.CapacityMilli);
        var failed = cluster.Unplaced;
        SharedRefusal? refusal = null;
        var arrived = facts.BoundMilli;
        for (var i = 0; i < arrivals.Pods.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var pod = trace.Pods[arrivals.Pods[i]];
            arrived += facts.DemandMilli(pod);
            if (!cluster.Place(new Arrival(i, pod)))
            {
                failed++;
                refusal ??= FillLimits.IsShared(pod.Template.Request) ? new SharedRefusal(i, 100.0 * arrived / facts.CapacityMilli) : null;
            }

            curve.Add(arrived, cluster.UsedMilli, cluster.FragmentMilli);
        }

        return new FillOutcome
        {
            Curve = curve.ToPoints(),
            Arrived = arrivals.Pods.Length,
            Failed = failed,
            FirstSharedRefusal = refusal,
            UsedMilli = cluster.UsedMilli,
            CardsInUse = cluster.CardsInUse(),
            FreeCards = cluster.FreeCards(),
        };
    }
}
