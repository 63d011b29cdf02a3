using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>Any card that fits, each as likely as the others; the same pod finds the same card again.</summary>
/// <param name="seed">Makes another series of choices.</param>
public sealed class RandomCard(ulong seed) : IShareCardOrder
{
    /// <inheritdoc/>
    public void Rank(PodInfo pod, NodeInfo node, ulong cards, Span<CardRank> ranks)
    {
        ArgumentNullException.ThrowIfNull(pod);
        // Mixed once more, so that it has nothing to do with the choice of the node.
        var draw = SeededDraw.Mix(SeededDraw.For(seed, pod.Uid));
        for (var rest = cards; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            ranks[gpu] = new CardRank(SeededDraw.Mix(draw + (ulong)gpu) >> 11);
        }
    }
}
