using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>Part of a policy that learns from the pods that arrive.</summary>
public interface IArrivalObserver
{
    /// <summary>A pod has arrived and is about to be decided; called once a pod, whether or not a node is found for it and however often it is tried. Thread-safe.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="snapshot">The cluster before it.</param>
    void Observe(PodInfo pod, Snapshot snapshot);
}
