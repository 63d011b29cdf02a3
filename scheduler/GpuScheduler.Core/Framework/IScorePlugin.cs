using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// Says how good a node that passed the filters is. Implementations allocate nothing, and a score depends on nothing but the
/// pod's request and CPU (and memory and data, where <see cref="ReadsMemory"/> and <see cref="ReadsData"/> say so), the node, the pick and <see cref="Version"/>: scores
/// are kept and used again for every pod that asks for the same.
/// </summary>
public interface IScorePlugin
{
    /// <summary>Name, as in configuration and metrics.</summary>
    string Name { get; }

    /// <summary>True when it has something to say of pods with GPUs.</summary>
    bool ScoresGpuPods => true;

    /// <summary>True when it has something to say of pods without GPUs.</summary>
    bool ScoresCpuOnlyPods => false;

    /// <summary>True when the score looks at the pod's memory.</summary>
    bool ReadsMemory => false;

    /// <summary>
    /// True when it has something to say of pods that name data (<see cref="Requests.PodInfo.Data"/>) and of no others: those are scored as
    /// if it were not there. The score may look at the names then.
    /// </summary>
    bool ReadsData => false;

    /// <summary>Changes whenever the same question may get another answer than before, as when the policy has learned something.</summary>
    long Version => 0;

    /// <summary>From 0 (worst) to 1 (best); what lies outside still orders, but is cut off where scores are shown to kube-scheduler.</summary>
    /// <param name="state">The pod.</param>
    /// <param name="node">The node before the pod.</param>
    /// <param name="pick">The devices that the pod would get there.</param>
    double Score(CycleState state, NodeInfo node, in DevicePick pick);
}
