using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>How full the node is with the pod: the GPU capacity in use afterwards over all of it. Full nodes first, empty ones stay empty.</summary>
internal sealed class Packing : IScorePlugin
{
    public string Name => "Packing";

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var facts = node.Facts;
        var total = facts.UsableGpus * (double)SharePacking.WholeCard;
        if (total == 0)
        {
            return 0;
        }

        var request = state.Request;
        double used = node.UsedMilli + (request.WholeGpus * SharePacking.WholeCard);
        if (request.ShareCount > 0)
        {
            var memory = facts.Gpus[BitOperations.TrailingZeroCount(pick.Shared)].MemoryMiB;
            used += request.ShareCount * (SharePacking.WholeCard - SharePacking.Free(SharePacking.WholeCard - request.ShareMilli, memory - request.ShareMemoryMiB, memory));
        }

        if (!request.Mig.IsEmpty)
        {
            used += SharePacking.WholeCard * pick.MigSlices / (double)facts.MemorySlices;
        }

        return Math.Clamp(used / total, 0, 1);
    }
}
