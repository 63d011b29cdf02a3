using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>
/// A policy's choice of the card for a share: wherever a share is picked, the best-ranked card that fits is taken. Implementations
/// allocate nothing, and the same question gets the same answer: what filter scores, bind must find again.
/// </summary>
public interface IShareCardOrder
{
    /// <summary>Ranks cards on which the share fits.</summary>
    /// <param name="pod">The pod; when a node is scored it may be another one of the same request and CPU.</param>
    /// <param name="node">The node before the pod.</param>
    /// <param name="cards">The cards to rank, as bits.</param>
    /// <param name="ranks">Receives the rank of each of them, by index of the card.</param>
    void Rank(PodInfo pod, NodeInfo node, ulong cards, Span<CardRank> ranks);
}
