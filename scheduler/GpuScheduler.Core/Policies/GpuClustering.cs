using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Policies;

/// <summary>
/// Nodes with pods of the same kind alone, then with this kind among others, then without GPU pods, then with other kinds; within
/// that, the fuller node. A kind are the pods that share cards, those of n whole GPUs, or those with MIG devices. Pods without GPUs go
/// anywhere.
/// </summary>
internal sealed class GpuClustering : IScorePlugin
{
    public string Name => "GpuClustering";

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var own = KindOf(state.Request);
        var kinds = 0UL;
        foreach (var allocation in node.Allocations)
        {
            kinds |= KindOf(allocation.Pod.Request);
        }

        var company = kinds == own ? 75
            : (kinds & own) != 0 ? 50
            : kinds == 0 ? 25
            : 0;
        return (company + (25 * (Scale.CardMilli - node.FreeCardMilli) / Scale.CardMilli)) / 100.0;
    }

    /// <summary>The kind as a bit: bit 0 for pods that share cards, bit n for n whole GPUs (bit 62 for more), bit 63 for MIG; 0 without GPUs.</summary>
    private static ulong KindOf(GpuRequest request) =>
        request.ShareCount > 0 ? 1
        : request.WholeGpus > 0 ? 1UL << Math.Min(request.WholeGpus, 62)
        : request.Mig.IsEmpty ? 0
        : 1UL << 63;
}
