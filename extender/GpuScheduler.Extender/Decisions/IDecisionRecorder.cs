using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Extender.Wire;

namespace GpuScheduler.Extender.Decisions;

/// <summary>Hears of every decision, where both wires meet. It is called while a caller waits, and must be quick.</summary>
internal interface IDecisionRecorder
{
    /// <summary>Nodes were judged for a pod.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes.</param>
    /// <param name="statuses">A status for each.</param>
    /// <param name="passed">How many will do.</param>
    /// <param name="profile">Which profile decided; null when one decides for all.</param>
    void Filtered(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, ReadOnlySpan<Status> statuses, int passed, string? profile = null);

    /// <summary>A pod cannot be understood, so that no node was judged.</summary>
    void Misunderstood(PodInfo pod, Snapshot snapshot, int offered);

    /// <summary>Victims were chosen for a pod.</summary>
    void Preempted(PodInfo pod, Snapshot snapshot, IReadOnlyList<PreemptionCandidate> offered, IReadOnlyList<PreemptionCandidate> kept, string? profile = null);

    /// <summary>A bind ended.</summary>
    /// <param name="args">What was asked for.</param>
    /// <param name="pod">The pod; null when it is not known.</param>
    /// <param name="generation">Generation of the newest snapshot.</param>
    /// <param name="error">Why the pod is not bound; "" when it is.</param>
    /// <param name="devices">The devices it got.</param>
    /// <param name="profile">Which profile decided; null when one decides for all.</param>
    void Bound(BindingArgs args, PodInfo? pod, long generation, string error, DeviceAssignment devices, string? profile = null);

    /// <summary>A gang was planned, or could not be.</summary>
    void Planned(GangKey gang, GangPlan plan, long generation);

    /// <summary>A gang gave its places back.</summary>
    void Released(GangKey gang, string why, long generation);
}
