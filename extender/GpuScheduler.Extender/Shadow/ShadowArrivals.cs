using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.Wire;

namespace GpuScheduler.Extender.Shadow;

/// <summary>Where a snapshot file is served, no watch tells of new pods: the calls that ask about them do.</summary>
internal sealed class ShadowArrivals(DecisionLog log, ShadowFeed feed) : IDecisionRecorder
{
    public void Filtered(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, ReadOnlySpan<Status> statuses, int passed, string? profile = null)
    {
        feed.Arrived(pod);
        log.Filtered(pod, snapshot, candidates, statuses, passed, profile);
    }

    public void Misunderstood(PodInfo pod, Snapshot snapshot, int offered) => log.Misunderstood(pod, snapshot, offered);

    public void Preempted(PodInfo pod, Snapshot snapshot, IReadOnlyList<PreemptionCandidate> offered, IReadOnlyList<PreemptionCandidate> kept, string? profile = null) =>
        log.Preempted(pod, snapshot, offered, kept, profile);

    public void Bound(BindingArgs args, PodInfo? pod, long generation, string error, DeviceAssignment devices, string? profile = null) =>
        log.Bound(args, pod, generation, error, devices, profile);

    public void Planned(GangKey gang, GangPlan plan, long generation) => log.Planned(gang, plan, generation);

    public void Released(GangKey gang, string why, long generation) => log.Released(gang, why, generation);
}
