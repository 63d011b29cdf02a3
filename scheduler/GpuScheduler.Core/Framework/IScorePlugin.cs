using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Framework;

/// <summary>Says how good a node that passed the filters is. Implementations are stateless and allocate nothing.</summary>
public interface IScorePlugin
{
    /// <summary>Name, as in configuration and metrics.</summary>
    string Name { get; }

    /// <summary>From 0 (worst) to 1 (best).</summary>
    /// <param name="state">The pod.</param>
    /// <param name="node">The node before the pod.</param>
    /// <param name="pick">The devices that the pod would get there.</param>
    double Score(CycleState state, NodeInfo node, in DevicePick pick);
}
