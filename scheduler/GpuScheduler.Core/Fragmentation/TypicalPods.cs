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
        _gpuKinds = KindsWith(p => p.Cards > 0);
        _cpuOnlyKinds = KindsWith(p => p.Cards == 0);
        _constrained = Pods.Any(p => p.Pod.Models.Length > 0);
    }

    /// <summary>No pods: nothing is a fragment.</summary>
    public static TypicalPods None { get; } = new([]);

    /// <summary>The kinds and their shares of all pods, the most frequent first.</summary>
    public ImmutableArray<(TypicalPod Pod, double Share)> Pods { get; }

    TypicalPods ITypicalPodsSource.Current => this;

    long ITypicalPodsSource.Version => 0;

    /// <summary>How many different demands on a card there are: the length of what <see cref="Count"/> fills.</summary>
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
        return node.FitOf(this).FragmentedMilli;
    }

    /// <summary>F of a node with so much free, in milli-GPU.</summary>
    /// <param name="facts">The node.</param>
    /// <param name="cpuMilli">Free CPU, in milli-CPU.</param>
    /// <param name="cards">What is free on each card, in milli-GPU.</param>
    public double FragmentedMilli(NodeFacts facts, long cpuMilli, ReadOnlySpan<int> cards)
    {
        ArgumentNullException.ThrowIfNull(facts);
        Span<CardFit> fits = stackalloc CardFit[Sizes];
        var free = 0;
        foreach (var card in cards)
        {
            free += card;
        }

        Count(cards, fits);
        return FragmentedMilli(facts, cpuMilli, free, fits);
    }

    /// <summary>Says for each demand on a card how many cards have so much free, and how much is free on the others.</summary>
    /// <param name="cards">What is free on each card, in milli-GPU.</param>
    /// <param name="fits">Receives the answers.</param>
    internal void Count(ReadOnlySpan<int> cards, Span<CardFit> fits)
    {
        for (var i = 0; i < fits.Length; i++)
        {
            var size = _sizes[i];
            CardFit fit = default;
            foreach (var card in cards)
            {
                fit = card >= size ? fit with { Cards = fit.Cards + 1 } : fit with { Rest = fit.Rest + card };
            }

            fits[i] = fit;
        }
    }

    /// <summary>What <see cref="Count"/> says once some cards with <paramref name="had"/> free have <paramref name="has"/>, which is less.</summary>
    internal void Shift(ReadOnlySpan<CardFit> fits, int cards, int had, int has, Span<CardFit> shifted)
    {
        var sizes = _sizes.AsSpan(0, shifted.Length);
        fits = fits[..shifted.Length];
        for (var i = 0; i < shifted.Length; i++)
        {
            // Too small before and after; fit before and no more; fit before and after.
            shifted[i] = sizes[i] > had ? fits[i] with { Rest = fits[i].Rest - (cards * (had - has)) }
                : sizes[i] > has ? new CardFit(fits[i].Cards - cards, fits[i].Rest + (cards * has))
                : fits[i];
        }
    }

    /// <summary>F of a node whose cards were counted by <see cref="Count"/>.</summary>
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
        bool IsAllowed(TypicalPod pod) => pod.Models.Length == 0 || GpuModelMatch.Matches(pod.Models.Split('|'), facts.Product);
        kinds = new ProductKinds(KindsWith(p => p.Cards > 0 && IsAllowed(p)), KindsWith(p => p.Cards > 0 && !IsAllowed(p)));
        if (facts.ProductId == ProductIds.None)
        {
            return kinds;
        }

        var more = new ProductKinds?[Math.Max(known.Length, facts.ProductId + 1)];
        known.CopyTo(more, 0);
        more[facts.ProductId] = kinds;
        Volatile.Write(ref _byProduct, more);
        return kinds;
    }

    private Kind[] KindsWith(Func<TypicalPod, bool> condition) =>
        [.. Pods.Where(p => condition(p.Pod)).Select(p => new Kind(p.Share, p.Pod.CpuMilli, p.Pod.Cards, Array.BinarySearch(_sizes, p.Pod.Milli)))];

    /// <param name="Share">Share of all pods.</param>
    /// <param name="CpuMilli">CPU, in milli-CPU.</param>
    /// <param name="Cards">How many cards.</param>
    /// <param name="Size">Which of the demands on a card.</param>
    private readonly record struct Kind(double Share, long CpuMilli, int Cards, int Size);

    private sealed record ProductKinds(Kind[] Allowed, Kind[] Refused);
}
