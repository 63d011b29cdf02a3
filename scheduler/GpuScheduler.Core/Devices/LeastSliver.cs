using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>
/// The service's order: the card on which slivers grow least (see <see cref="SharePacking"/>), then the fullest, then the lowest
/// number; an idle card is the last choice, because it can still be handed out whole.
/// </summary>
public sealed class LeastSliver : IShareCardOrder
{
    private const int IdleCost = 10 * SharePacking.WholeCard;

    private LeastSliver()
    {
    }

    /// <summary>The order; it has no state.</summary>
    public static LeastSliver Instance { get; } = new();

    /// <inheritdoc/>
    public void Rank(PodInfo pod, NodeInfo node, ulong cards, Span<CardRank> ranks)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(node);
        for (var rest = cards; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            var idle = (node.IdleMask >> gpu & 1) != 0;
            var after = node.FreeCardAfter(gpu, pod.Request);
            ranks[gpu] = new CardRank(-(idle ? IdleCost : 0) - SharePacking.SliverGrowth(node.FreeCards[gpu], after), -after);
        }
    }
}
