using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>Part of a policy that learns from the pods that arrive.</summary>
public interface IArrivalObserver
{
    /// <summary>A pod is about to be decided, whether or not a node will be found for it. Thread-safe.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="isNew">True the first time; false when it is tried again.</param>
    /// <param name="snapshot">The cluster before it.</param>
    void Observe(PodInfo pod, bool isNew, Snapshot snapshot);
}
