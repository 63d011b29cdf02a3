using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>The card with the least left that still fits, then the lowest number: best fit, as most published policies have it.</summary>
public sealed class LeastFree : IShareCardOrder
{
    private LeastFree()
    {
    }

    /// <summary>The order; it has no state.</summary>
    public static LeastFree Instance { get; } = new();

    /// <inheritdoc/>
    public void Rank(PodInfo pod, NodeInfo node, ulong cards, Span<CardRank> ranks)
    {
        ArgumentNullException.ThrowIfNull(node);
        for (var rest = cards; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            ranks[gpu] = new CardRank(-node.FreeCards[gpu]);
        }
    }
}
