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
        var total = BitOperations.PopCount(facts.WholeMask | facts.MigMask) * (double)SharePacking.WholeCard;
        if (total == 0)
        {
            return 0;
        }

        var slices = facts.Geometry?.MemorySlices ?? 8;
        var used = 0.0;
        for (var i = 0; i < node.Use.Length; i++)
        {
            ref readonly var use = ref node.Use[i];
            used += use.Whole ? SharePacking.WholeCard
                : use.MigMask != 0 ? SharePacking.WholeCard * BitOperations.PopCount(use.MigMask) / (double)slices
                : use.Shares == 0 ? 0
                : SharePacking.WholeCard - SharePacking.Free(node.FreeMilli(i), node.FreeMemoryMiB(i), facts.Gpus[i].MemoryMiB);
        }

        var request = state.Request;
        used += request.WholeGpus * SharePacking.WholeCard;
        if (request.ShareCount > 0)
        {
            var memory = facts.Gpus[BitOperations.TrailingZeroCount(pick.Shared)].MemoryMiB;
            used += request.ShareCount * (SharePacking.WholeCard - SharePacking.Free(SharePacking.WholeCard - request.ShareMilli, memory - request.ShareMemoryMiB, memory));
        }

        if (pick.SingleMig is { } one)
        {
            used += SharePacking.WholeCard * one.Placement.Size / (double)slices;
        }

        if (!pick.SeveralMig.IsDefault)
        {
            foreach (var mig in pick.SeveralMig)
            {
                used += SharePacking.WholeCard * mig.Placement.Size / (double)slices;
            }
        }

        return Math.Clamp(used / total, 0, 1);
    }
}
