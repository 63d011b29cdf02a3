using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Policies;

/// <summary>
/// Cards that are in use before idle ones, the fullest first (50 to 100); then idle cards of nodes in use, the fewer the better (33
/// to 50); then unused nodes (up to 33). Pods without GPUs go anywhere. Counts on <see cref="LeastFree"/> for the cards.
/// </summary>
internal sealed class GpuPacking : IScorePlugin
{
    public string Name => "GpuPacking";

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var free = BitOperations.PopCount(node.IdleMask);
        if (free == BitOperations.PopCount(node.Facts.WholeMask))
        {
            return Math.Max(33 - free, free) / 100.0;
        }

        var opened = BitOperations.PopCount(pick.Whole.Mask) + pick.Opened;
        if (opened > 0)
        {
            return Math.Max(50 - opened, 33) / 100.0;
        }

        var left = 0;
        for (var rest = pick.Shared; rest != 0; rest &= rest - 1)
        {
            left += node.FreeCards[BitOperations.TrailingZeroCount(rest)] * 100 / SharePacking.WholeCard;
        }

        return Math.Max(100 - (left / 10), 50) / 100.0;
    }
}
