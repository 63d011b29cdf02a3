using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>
/// The pods that are expected, and how much of a node's free cards they cannot use: the fragmentation measure of FGD (Weng et al.,
/// USENIX ATC 2023). Immutable.
/// </summary>
/// <remarks>
/// For a typical pod that the node could run now, the fragments are the free parts of cards that are too small for it; for one that
/// it could not run (too few such cards, too little CPU, a model that is not allowed, or no GPU wanted at all) they are all that is
/// free. F is the mean over the typical pods by their shares. Sums are formed in six parts, each in the order of the pods, so that
/// equal states have equal doubles and a policy that cuts scores to integers sees no noise.
/// </remarks>
public sealed class TypicalPods : ITypicalPodsSource
{
    private readonly int[] _sizes;          // the different demands on a card, in milli-GPU, ascending
    private readonly Kind[] _gpuKinds;      // those with cards, in order
    private readonly Kind[] _cpuOnlyKinds;  // those without, in order
    private readonly bool _constrained;     // some kind allows some models only
    private ProductKinds?[] _byProduct = [];

    /// <summary>Makes the measure for pods in the given order.</summary>
    /// <param name="pods">The kinds and their shares, which add up to 1.</param>
    public TypicalPods(IEnumerable<(TypicalPod Pod, double Share)> pods)
    {
        ArgumentNullException.ThrowIfNull(pods);
        Pods = [.. pods];
        _sizes = [.. Pods.Where(p => p.Pod.Cards > 0).Select(p => p.Pod.Milli).Distinct().Order()];
        _gpuKinds = [.. Pods.Where(p => p.Pod.Cards > 0).Select(p => new Kind(p.Share, p.Pod.CpuMilli, p.Pod.Cards, Array.BinarySearch(_sizes, p.Pod.Milli), p.Pod.Models))];
        _cpuOnlyKinds = [.. Pods.Where(p => p.Pod.Cards == 0).Select(p => new Kind(p.Share, p.Pod.CpuMilli, 0, 0, ""))];
        _constrained = _gpuKinds.Any(k => k.Models.Length > 0);
    }

    /// <summary>No pods: nothing is a fragment.</summary>
    public static TypicalPods None { get; } = new([]);

    /// <summary>The kinds and their shares of all pods, the most frequent first.</summary>
    public ImmutableArray<(TypicalPod Pod, double Share)> Pods { get; }

    TypicalPods ITypicalPodsSource.Current => this;

    long ITypicalPodsSource.Version => 0;

    /// <summary>How many different demands on a card there are: the length of what <see cref="Fit"/> fills.</summary>
    internal int Sizes => _sizes.Length;

    /// <summary>Learns from a list of pods. See <see cref="TypicalPodCounts.ToTypicalPods"/>.</summary>
    public static TypicalPods Learn(IEnumerable<PodInfo> pods)
    {
        ArgumentNullException.ThrowIfNull(pods);
        var counts = new TypicalPodCounts();
        foreach (var pod in pods)
        {
            counts.Add(pod);
        }

        return counts.ToTypicalPods();
    }

    /// <summary>F of a node, in milli-GPU.</summary>
    public double FragmentedMilli(NodeInfo node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.FragmentedMilli(this);
    }

    /// <summary>F of a node with so much free, in milli-GPU.</summary>
    /// <param name="facts">The node.</param>
    /// <param name="cpuMilli">Free CPU, in milli-CPU.</param>
    /// <param name="cards">What is free on each card, in milli-GPU.</param>
    public double FragmentedMilli(NodeFacts facts, long cpuMilli, ReadOnlySpan<int> cards)
    {
        ArgumentNullException.ThrowIfNull(facts);
        Span<CardFit> fits = stackalloc CardFit[Sizes];
        return FragmentedMilli(facts, cpuMilli, Fit(cards, fits), fits);
    }

    /// <summary>Says for each demand on a card how many cards have so much free, and how much is free on the others.</summary>
    /// <param name="cards">What is free on each card, in milli-GPU.</param>
    /// <param name="fits">Receives the answers.</param>
    /// <returns>What is free in all.</returns>
    internal int Fit(ReadOnlySpan<int> cards, Span<CardFit> fits)
    {
        fits.Clear();
        var free = 0;
        foreach (var card in cards)
        {
            free += card;
            Add(card, 1, fits);
        }

        return free;
    }

    /// <summary>Adds cards with so much free to what <see cref="Fit"/> counted, or takes them away.</summary>
    internal void Add(int card, int count, Span<CardFit> fits)
    {
        var sizes = _sizes;
        for (var i = 0; i < sizes.Length; i++)
        {
            if (card >= sizes[i])
            {
                fits[i].Cards += count;
            }
            else
            {
                fits[i].Rest += count * card;
            }
        }
    }

    /// <summary>F of a node whose cards were counted by <see cref="Fit"/>.</summary>
    internal double FragmentedMilli(NodeFacts facts, long cpuMilli, int free, ReadOnlySpan<CardFit> fits)
    {
        if (free == 0)
        {
            return 0;
        }

        var kinds = _gpuKinds;
        double refused = 0;
        if (_constrained)
        {
            var product = KindsOf(facts);
            kinds = product.Allowed;
            foreach (var kind in product.Refused)
            {
                refused += kind.Share * free;
            }
        }

        double neither = 0, cpu = 0, cards = 0;
        foreach (ref readonly var kind in kinds.AsSpan())
        {
            ref readonly var fit = ref fits[kind.Size];
            if (cpuMilli >= kind.CpuMilli)
            {
                cpu += kind.Share * (fit.Cards >= kind.Cards ? fit.Rest : free);
            }
            else if (fit.Cards >= kind.Cards)
            {
                cards += kind.Share * free;
            }
            else
            {
                neither += kind.Share * free;
            }
        }

        double cpuOnly = 0, cpuOnlyLacking = 0;
        foreach (ref readonly var kind in _cpuOnlyKinds.AsSpan())
        {
            if (cpuMilli >= kind.CpuMilli)
            {
                cpuOnly += kind.Share * free;
            }
            else
            {
                cpuOnlyLacking += kind.Share * free;
            }
        }

        return neither + cpu + cards + cpuOnly + cpuOnlyLacking + refused;
    }

    private ProductKinds KindsOf(NodeFacts facts)
    {
        var known = Volatile.Read(ref _byProduct);
        if (facts.ProductId < known.Length && known[facts.ProductId] is { } kinds)
        {
            return kinds;
        }

        // Copied and swapped: a racing thread at worst works the same out once more.
        var allowed = _gpuKinds.ToLookup(k => k.Models.Length == 0 || GpuModelMatch.Matches(k.Models.Split('|'), facts.Product));
        kinds = new ProductKinds([.. allowed[true]], [.. allowed[false]]);
        var more = new ProductKinds?[Math.Max(known.Length, facts.ProductId + 1)];
        known.CopyTo(more, 0);
        more[facts.ProductId] = kinds;
        Volatile.Write(ref _byProduct, more);
        return kinds;
    }

    /// <summary>The cards of a node as one demand sees them.</summary>
    internal struct CardFit
    {
        /// <summary>How many have enough free.</summary>
        public int Cards;

        /// <summary>What is free on the others, in milli-GPU.</summary>
        public int Rest;
    }

    /// <param name="Share">Share of all pods.</param>
    /// <param name="CpuMilli">CPU, in milli-CPU.</param>
    /// <param name="Cards">How many cards.</param>
    /// <param name="Size">Which of the demands on a card.</param>
    /// <param name="Models">The allowed models.</param>
    private readonly record struct Kind(double Share, long CpuMilli, int Cards, int Size, string Models);

    private sealed record ProductKinds(Kind[] Allowed, Kind[] Refused);
}
