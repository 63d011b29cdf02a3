using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Policies;

/// <summary>
/// FGD: the node and the card on which fragmentation grows least. The score is 100 times the logistic function of the decrease of
/// <see cref="TypicalPods"/>' F in GPUs, cut to an integer; the cut makes near misses into ties, which go by the order of the nodes,
/// and a good part of what the policy reaches comes from there.
/// </summary>
internal sealed class FragmentationGradient(ITypicalPodsSource typical) : IScorePlugin, IShareCardOrder
{
    public string Name => "FragmentationGradient";

    public bool ScoresCpuOnlyPods => true;

    public long Version => typical.Version;

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var request = state.Request;
        if (request.ShareCount == 1 && pick.CardValue > 0)
        {
            return pick.CardValue;
        }

        var pods = typical.Current;
        Span<int> cards = stackalloc int[node.FreeCards.Length];
        node.FreeCards.CopyTo(cards);
        for (var rest = pick.Whole.Mask; rest != 0; rest &= rest - 1)
        {
            cards[BitOperations.TrailingZeroCount(rest)] = 0;
        }

        for (var rest = pick.Shared; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            cards[gpu] = node.FreeCardAfter(gpu, request);
        }

        return Of(pods.FragmentedMilli(node) - pods.FragmentedMilli(node.Facts, node.FreeCpuMilli - state.Pod.CpuMilli, cards));
    }

    public void Rank(PodInfo pod, NodeInfo node, ulong cards, Span<CardRank> ranks)
    {
        var pods = typical.Current;
        var before = pods.FragmentedMilli(node);
        Span<int> free = stackalloc int[node.FreeCards.Length];
        node.FreeCards.CopyTo(free);
        for (var rest = cards; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            free[gpu] = node.FreeCardAfter(gpu, pod.Request);
            ranks[gpu] = new CardRank(Of(before - pods.FragmentedMilli(node.Facts, node.FreeCpuMilli - pod.CpuMilli, free)));
            free[gpu] = node.FreeCards[gpu];
        }
    }

    private static double Of(double decrease) => (int)(100 / (1 + Math.Exp(-decrease / SharePacking.WholeCard))) / 100.0;
}
