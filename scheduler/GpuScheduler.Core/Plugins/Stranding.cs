using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Demand;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Plugins;

/// <summary>
/// The service's own policy: what a placement strands. A node is as bad as the GPU on it that the pods to come will not be able to
/// use (see <see cref="DemandModel"/>); a pod goes where that grows least or shrinks most. The page Demand/README.md explains it.
/// </summary>
/// <remarks>
/// With d the decrease in whole milli-GPU (so that noise of the last digits makes no difference), the score is
/// 1/2 + d / 2(1000 + |d|): it orders as d does, and has room for all d between 0 and 1. It is 1 for a pod without GPUs on a node
/// without.
/// </remarks>
internal sealed class Stranding : IScorePlugin, IShareCardOrder, IArrivalObserver
{
    private readonly DemandLearner _demand;

    /// <summary>A policy that has seen no pod.</summary>
    /// <param name="expected">What pods are expected, for the first guess; null for a general one.</param>
    public Stranding(ITypicalPodsSource? expected = null) => _demand = new DemandLearner(expected);

    public string Name => "Stranding";

    public bool ScoresCpuOnlyPods => true;

    public long Version => _demand.Model?.Version ?? 0;

    public void Observe(PodInfo pod, bool isNew, Snapshot snapshot) => _demand.Observe(pod, isNew, snapshot);

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var request = state.Request;
        if (!request.WantsGpu && node.Facts.Gpus.IsEmpty)
        {
            return 1;
        }

        var decrease = 0.0;
        if (_demand.Model is { } model)
        {
            decrease = request is { ShareCount: 1, WholeGpus: 0, Mig.IsEmpty: true }
                ? pick.CardValue
                : Decrease(model, state.Pod, node, BadnessOf(model, node), pick.Whole.Mask, pick.Shared);
        }

        if (!request.Mig.IsEmpty && node.Facts.Geometry is { } geometry)
        {
            decrease -= Math.Round(pick.MigLoss * SharePacking.WholeCard / MigValueTable.For(geometry).ValueOf(0));
        }

        return 0.5 + (0.5 * decrease / (SharePacking.WholeCard + Math.Abs(decrease)));
    }

    public void Rank(PodInfo pod, NodeInfo node, ulong cards, Span<CardRank> ranks)
    {
        var model = _demand.Model;
        var before = model is null ? 0 : BadnessOf(model, node);
        for (var rest = cards; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            ranks[gpu] = model is null
                ? new CardRank(0, -node.FreeCards[gpu])
                : new CardRank(Decrease(model, pod, node, before, 0, 1UL << gpu), -node.FreeCards[gpu]);
        }
    }

    private static double BadnessOf(DemandModel model, NodeInfo node) => model.BadnessOf(node.Facts, node.FreeCpuMilli, node.FreeCards, node.FreeGpus);

    /// <summary>By how much a node gets less bad when a pod takes some cards whole and shares some.</summary>
    private static double Decrease(DemandModel model, PodInfo pod, NodeInfo node, double before, ulong whole, ulong shared)
    {
        if (node.FreeCardMilli == 0)
        {
            return 0;
        }

        Span<int> after = stackalloc int[node.FreeCards.Length];
        node.FreeCards.CopyTo(after);
        for (var rest = whole; rest != 0; rest &= rest - 1)
        {
            after[BitOperations.TrailingZeroCount(rest)] = 0;
        }

        for (var rest = shared; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            after[gpu] = node.FreeCardAfter(gpu, pod.Request);
        }

        var taken = BitOperations.PopCount((whole | shared) & node.IdleMask);
        return Math.Floor(before - model.BadnessOf(node.Facts, node.FreeCpuMilli - pod.CpuMilli, after, node.FreeGpus - taken) + 1e-6);
    }
}
