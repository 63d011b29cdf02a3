using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Policies;

/// <summary>The node whose free CPU and cards have the smallest dot product with what the pod asks for, each over <see cref="Scale"/>.</summary>
internal sealed class DotProduct : IScorePlugin
{
    public string Name => "DotProduct";

    public bool ScoresCpuOnlyPods => true;

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var cpu = node.FreeCpuMilli / Scale.CpuMilli * (state.Pod.CpuMilli / Scale.CpuMilli);
        var cards = node.FreeCardMilli / (double)Scale.CardMilli * (pick.TakenMilli(state.Request, node) / (double)Scale.CardMilli);
        return (int)(100 * (1 - ((cpu + cards) / 2))) / 100.0;
    }
}
