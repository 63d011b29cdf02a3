using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Demand;

/// <summary>
/// What the pods to come make of a node's free GPU: how much of it they will most likely waste, how much they depend on it, and what
/// room for their large ones is worth. Immutable.
/// </summary>
internal sealed class DemandModel
{
    /// <summary>
    /// Weight of the pressure on a node class. At 1 a GPU on which the whole demand presses would be worth two; half of that is
    /// enough to make pods that can go elsewhere go there first.
    /// </summary>
    private const double Pressure = 0.5;

    /// <summary>
    /// Share of the pods that is believed to want a whole node, of each class as often as it has cards, before any is seen. Few nodes
    /// can stand in for an uncommonly large one: it is worth keeping before the first pod that needs it has come.
    /// </summary>
    private const double WholeNodePods = 0.01;

    private readonly CardWaste _cards;
    private readonly CpuWaste _cpu;
    private readonly ClassPressure _pressure;

    private DemandModel(CardWaste cards, CpuWaste cpu, ClassPressure pressure, ImmutableArray<Slot> slots, long version)
    {
        (_cards, _cpu, _pressure, Slots, Version) = (cards, cpu, pressure, slots, version);
    }

    /// <summary>The sizes of pods with several GPUs, ascending, and the present prices of their slots; last the large one, if there is one.</summary>
    public ImmutableArray<Slot> Slots { get; }

    /// <summary>Grows with every model.</summary>
    public long Version { get; }

    /// <summary>Makes a model.</summary>
    /// <param name="kinds">The pods to come and their shares, at least one; in an order that depends on nothing but them.</param>
    /// <param name="typical">The most frequent of them, for the tables that are dear to work out.</param>
    /// <param name="census">The nodes.</param>
    /// <param name="slots">The sizes of pods with several GPUs, ascending, without CPU; CPU is learned here.</param>
    /// <param name="version">Its number.</param>
    public static DemandModel Make(
        IReadOnlyList<(DemandKind Kind, double Share)> kinds,
        IReadOnlyList<(DemandKind Kind, double Share)> typical,
        NodeCensus census,
        IEnumerable<int> slots,
        long version)
    {
        var cpu = new CpuWaste(typical, census.MostCpuMilli, census.MostCards);
        return new(new CardWaste(typical), cpu, new ClassPressure([.. kinds, .. WholeNodes(census)], census), [.. slots.Select(s => new Slot(s, MeanCpu(s), 0)), .. Large(census)], version);

        long MeanCpu(int cards)
        {
            var same = kinds.Where(k => k.Kind.Cards == cards && k.Kind.Milli == SharePacking.WholeCard).ToList();
            return same.Count == 0
                ? (long)(cpu.CpuPerGpu * cards * SharePacking.WholeCard)
                : (long)(same.Sum(k => k.Share * k.Kind.CpuMilli) / same.Sum(k => k.Share));
        }
    }

    private static IEnumerable<Slot> Large(NodeCensus census)
    {
        if (census is { MostCards: > 1, NextCpuMilli: > 0 })
        {
            yield return new Slot(census.MostCards, (long)(census.LargestCpuMilli * NodeCensus.AlmostAll), 0, IsLarge: true);
        }
    }

    private static IEnumerable<(DemandKind Kind, double Share)> WholeNodes(NodeCensus census) =>
        census.Classes.Select(c => (
            new DemandKind(c.Class.Cores * 1000, c.Class.Cards, SharePacking.WholeCard, c.Class.MemoryGiB, ""),
            WholeNodePods * c.Cards / census.Cards));

    /// <summary>The same model with other prices of the slots.</summary>
    /// <param name="prices">The prices, in milli-GPU, in the order of <see cref="Slots"/>.</param>
    /// <param name="version">Its number.</param>
    public DemandModel With(ReadOnlySpan<double> prices, long version)
    {
        var slots = Slots.ToBuilder();
        for (var i = 0; i < slots.Count; i++)
        {
            slots[i] = slots[i] with { Price = prices[i] };
        }

        return new(_cards, _cpu, _pressure, slots.MoveToImmutable(), version);
    }

    /// <summary>
    /// How bad a state of a node is, in milli-GPU: waste, less what the rest is worth to pods that depend on such nodes, less the
    /// price of the slots. Only differences between states of one node mean something.
    /// </summary>
    /// <param name="facts">The node.</param>
    /// <param name="cpuMilli">Its free CPU, in milli-CPU.</param>
    /// <param name="cards">What is free on each card, in milli-GPU.</param>
    /// <param name="freeGpus">How many may be handed out whole.</param>
    public double BadnessOf(NodeFacts facts, long cpuMilli, ReadOnlySpan<int> cards, int freeGpus)
    {
        double waste = 0;
        var free = 0;
        foreach (var card in cards)
        {
            free += card;
            waste += _cards[card];
        }

        var knowsCpu = facts.CpuMilli > 0;
        waste += knowsCpu ? _cpu.Of(cpuMilli, free) : 0;
        var badness = waste - (Pressure * _pressure.On(NodeClass.Of(facts)) * Math.Max(0, free - waste));
        foreach (ref readonly var slot in Slots.AsSpan())
        {
            if (slot.Cards > freeGpus)
            {
                break;
            }

            badness -= slot.Price * slot.On(freeGpus, knowsCpu ? cpuMilli : null);
        }

        return badness;
    }
}
