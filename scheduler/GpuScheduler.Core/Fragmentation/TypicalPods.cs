using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>
/// The pods that are expected, and how much of a node's free cards they cannot use: the fragmentation measure of FGD (Weng et al.,
/// USENIX ATC 2023). Immutable.
/// </summary>
/// <remarks>
/// For a typical pod that the node could run now, the fragments are the free parts of cards that are too small for it; for one that
/// it could not run (too few such cards, too little CPU, a model that is not allowed, or no GPU wanted at all) they are all that is
/// free. F is the mean over the typical pods by their shares. Sums are formed in six parts and in the order of the pods, so that
/// equal states have equal doubles and a policy that cuts scores to integers sees no noise.
/// </remarks>
public sealed class TypicalPods : ITypicalPodsSource
{
    /// <summary>Makes the measure for pods in the given order.</summary>
    /// <param name="pods">The kinds and their shares, which add up to 1.</param>
    public TypicalPods(IEnumerable<(TypicalPod Pod, double Share)> pods)
    {
        ArgumentNullException.ThrowIfNull(pods);
        Pods = [.. pods];
    }

    /// <summary>No pods: nothing is a fragment.</summary>
    public static TypicalPods None { get; } = new([]);

    /// <summary>The kinds and their shares of all pods, the most frequent first.</summary>
    public ImmutableArray<(TypicalPod Pod, double Share)> Pods { get; }

    TypicalPods ITypicalPodsSource.Current => this;

    long ITypicalPodsSource.Version => 0;

    /// <summary>Learns from a list of pods. See <see cref="TypicalPodCounts.ToTypicalPods"/>.</summary>
    public static TypicalPods Learn(IEnumerable<PodInfo> pods)
    {
        ArgumentNullException.ThrowIfNull(pods);
        var counts = new TypicalPodCounts();
        foreach (var pod in pods)
        {
            counts.Add(pod);
        }

        return counts.Total == 0 ? None : counts.ToTypicalPods();
    }

    /// <summary>F of a node, in milli-GPU.</summary>
    public double FragmentedMilli(NodeInfo node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return FragmentedMilli(node.Facts, node.FreeCpuMilli, node.FreeCards);
    }

    /// <summary>F of a node with so much free, in milli-GPU.</summary>
    /// <param name="facts">The node.</param>
    /// <param name="cpuMilli">Free CPU, in milli-CPU.</param>
    /// <param name="cards">What is free on each card, in milli-GPU.</param>
    public double FragmentedMilli(NodeFacts facts, long cpuMilli, ReadOnlySpan<int> cards)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var idle = 0;
        foreach (var card in cards)
        {
            idle += card;
        }

        double neither = 0, cards0 = 0, noCpu = 0, cpuOnly = 0, cpuOnlyLacking = 0, refused = 0;
        foreach (var (pod, share) in Pods)
        {
            var hasCpu = cpuMilli >= pod.CpuMilli;
            if (pod.Cards == 0)
            {
                _ = hasCpu ? cpuOnly += share * idle : cpuOnlyLacking += share * idle;
                continue;
            }

            if (pod.Models.Length > 0 && !GpuModelMatch.Matches(pod.Alternatives.AsSpan(), facts.Product))
            {
                refused += share * idle;
                continue;
            }

            var fitting = 0;
            var partial = 0;
            foreach (var card in cards)
            {
                if (card >= pod.Milli)
                {
                    fitting++;
                }
                else
                {
                    partial += card;
                }
            }

            _ = (fitting >= pod.Cards, hasCpu) switch
            {
                (true, true) => cards0 += share * partial,
                (false, true) => cards0 += share * idle,
                (true, false) => noCpu += share * idle,
                (false, false) => neither += share * idle,
            };
        }

        return neither + cards0 + noCpu + cpuOnly + cpuOnlyLacking + refused;
    }
}
