using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// Says of a node whether a pod may go there. Implementations are stateless and allocate nothing, and look at nothing of the pod but
/// its request, CPU and memory: verdicts are kept and used again. Where a pod passes, one that differs in asking for less memory
/// passes, too.
/// </summary>
public interface IFilterPlugin
{
    /// <summary>Name, as in configuration and metrics.</summary>
    string Name { get; }

    /// <summary><see cref="Status.Success"/>, or why not.</summary>
    Status Filter(CycleState state, NodeInfo node);
}
