using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Policies;

/// <summary>
/// Nodes with pods of the same kind alone, then with this kind among others, then without GPU pods, then with other kinds (see
/// <see cref="NodeInfo.PodKinds"/>); within that, the fuller node. Pods without GPUs go anywhere.
/// </summary>
internal sealed class GpuClustering : IScorePlugin
{
    public string Name => "GpuClustering";

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var own = NodeInfo.KindOf(state.Request);
        var company = node.PodKinds == own ? 75
            : (node.PodKinds & own) != 0 ? 50
            : node.PodKinds == 0 ? 25
            : 0;
        return (company + (25 * (Scale.CardMilli - node.FreeCardMilli) / Scale.CardMilli)) / 100.0;
    }
}
