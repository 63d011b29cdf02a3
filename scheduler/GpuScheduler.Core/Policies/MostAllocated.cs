using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Policies;

/// <summary>kube-scheduler's MostAllocated: the fullest node. See <see cref="AllocatedResources"/>.</summary>
internal sealed class MostAllocated : IScorePlugin
{
    public string Name => "MostAllocated";

    public bool ScoresCpuOnlyPods => true;

    public bool ReadsMemory => true;

    public double Score(CycleState state, NodeInfo node, in DevicePick pick) =>
        AllocatedResources.Score(state, node, pick, static (requested, capacity) => requested * 100 / capacity) / 100.0;
}
