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
        var cpu = node.FreeCpuMilli - state.Pod.CpuMilli;
        var pods = typical.Current;
        switch (request)
        {
            case { ShareCount: 1 }:
                return pick.CardValue;
            case { ShareCount: 0 }:
                var before = node.FitOf(pods);
                Span<CardFit> after = stackalloc CardFit[pods.Sizes];
                pods.Shift(before.Cards, request.WholeGpus, SharePacking.WholeCard, 0, after);
                return ScoreOf(before.FragmentedMilli, pods.FragmentedMilli(node.Facts, cpu, node.FreeCardMilli - (request.WholeGpus * SharePacking.WholeCard), after));
            default:
                Span<int> cards = stackalloc int[node.FreeCards.Length];
                node.FreeCards.CopyTo(cards);
                for (var rest = pick.Shared; rest != 0; rest &= rest - 1)
                {
                    var gpu = BitOperations.TrailingZeroCount(rest);
                    cards[gpu] = node.FreeCardAfter(gpu, request);
                }

                return ScoreOf(pods.FragmentedMilli(node), pods.FragmentedMilli(node.Facts, cpu, cards));
        }
    }

    public void Rank(PodInfo pod, NodeInfo node, ulong cards, Span<CardRank> ranks)
    {
        var pods = typical.Current;
        var cpu = node.FreeCpuMilli - pod.CpuMilli;
        var before = node.FitOf(pods);
        Span<CardFit> after = stackalloc CardFit[pods.Sizes];
        for (var rest = cards; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            var (had, has) = (node.FreeCards[gpu], node.FreeCardAfter(gpu, pod.Request));
            if (TryFindTwin(gpu, has, pod.Request, node, cards, out var twin))
            {
                ranks[gpu] = ranks[twin];
                continue;
            }

            pods.Shift(before.Cards, 1, had, has, after);
            ranks[gpu] = new CardRank(ScoreOf(before.FragmentedMilli, pods.FragmentedMilli(node.Facts, cpu, node.FreeCardMilli - had + has, after)));
        }
    }

    /// <summary>A card before this one that has as much free and would have as much left.</summary>
    private static bool TryFindTwin(int gpu, int after, GpuRequest request, NodeInfo node, ulong cards, out int twin)
    {
        for (var rest = cards & ((1UL << gpu) - 1); rest != 0; rest &= rest - 1)
        {
            twin = BitOperations.TrailingZeroCount(rest);
            if (node.FreeCards[twin] == node.FreeCards[gpu] && node.FreeCardAfter(twin, request) == after)
            {
                return true;
            }
        }

        twin = -1;
        return false;
    }

    private static double ScoreOf(double before, double after) => (int)(100 * (1 / (1 + Math.Exp((after - before) / SharePacking.WholeCard)))) / 100.0;
}
