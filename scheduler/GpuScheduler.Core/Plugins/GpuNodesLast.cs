using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>Pods without GPUs go to nodes without GPUs.</summary>
internal sealed class GpuNodesLast : IScorePlugin
{
    public string Name => "GpuNodesLast";

    public bool ScoresGpuPods => false;

    public bool ScoresCpuOnlyPods => true;

    public double Score(CycleState state, NodeInfo node, in DevicePick pick) => node.Facts.Gpus.IsEmpty ? 1 : 0;
}
