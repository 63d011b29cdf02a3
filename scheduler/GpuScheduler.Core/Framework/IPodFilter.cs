using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// A filter that looks at more of the pod than its request and CPU, such as its memory. What it says of a node cannot be kept for
/// every pod that asks for the same, so that it names the part that can.
/// </summary>
public interface IPodFilter : IFilterPlugin
{
    /// <summary>
    /// As <see cref="IFilterPlugin.Filter"/>, looking at nothing of the pod but its request and CPU: it passes every node that the whole filter
    /// passes for some such pod.
    /// </summary>
    Status FilterShape(CycleState state, NodeInfo node);
}
