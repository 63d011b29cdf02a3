using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Demand;

/// <summary>
/// Learns what pods ask for from those that arrive, and what slots are worth from how many are left. It starts with a guess that
/// weighs as much as <see cref="PriorPods"/> pods. Thread-safe.
/// </summary>
/// <param name="expected">Pods that are expected, for the first guess; null for a general one (see <see cref="s_prior"/>).</param>
internal sealed class DemandLearner(ITypicalPodsSource? expected) : IArrivalObserver
{
    /// <summary>How many pods the first guess weighs as much as.</summary>
    private const double PriorPods = 100;

    /// <summary>A model is made anew after so many pods, or when half as many as are remembered have come.</summary>
    private const double FewestNew = 50;

    /// <summary>When so many pods are remembered, the old ones count half: what was asked for long ago is forgotten.</summary>
    private const double MostRemembered = 16384;

    /// <summary>When so many kinds of pods are told apart, all count half, and those are forgotten that came once, before the last such time.</summary>
    private const int MostKinds = 4096;

    /// <summary>The kinds that make up this part of the pods are the typical ones (as in FGD).</summary>
    private const double TypicalPart = 0.95;

    /// <summary>Most typical kinds: a bound on what it takes to work out a model.</summary>
    private const int MostTypical = 256;

    /// <summary>Share of the pods that each size of several GPUs is believed to have before any is seen.</summary>
    private const double UnseenSlots = 0.01;

    /// <summary>The price of a slot that stands all the time, per GPU and share of the pods that ask for it, in cards: it keeps untouched nodes untouched among nodes that are equal otherwise.</summary>
    private const double StandingPrice = 0.15;

    /// <summary>The part of the slots that is taken to last until it is asked for; the others are broken by smaller pods.</summary>
    private const double LastingSlots = 0.5;

    /// <summary>The chance that slots run short is rounded to so many steps, so that scores need not be worked out anew with every pod.</summary>
    private const int ChanceSteps = 8;

    /// <summary>A cluster of which nothing is known: mostly one whole GPU, some parts, some of several.</summary>
    private static readonly (int Cards, int Milli, double Share)[] s_prior =
    [
        (1, 1000, 0.50), (1, 500, 0.20), (1, 250, 0.10), (2, 1000, 0.08), (4, 1000, 0.06), (8, 1000, 0.06),
    ];

    /// <summary>CPU of those pods: so much of what the nodes have for each GPU.</summary>
    private const double PriorCpu = 0.7;

    private readonly Lock _gate = new();
    private readonly Dictionary<DemandKind, double> _counts = [];
    private readonly SortedDictionary<int, double> _slotCounts = [];
    private readonly SlotCensus _slots = new();
    private NodeCensus? _census;
    private long _censusVersion;
    private NodeCensus? _learned;
    private double _remembered;
    private double _seen;
    private double _large;
    private double _news;
    private double _meanMilli;
    private int[] _steps = [];
    private long _version;
    private volatile DemandModel? _model;

    /// <summary>How many kinds of pods are told apart at present.</summary>
    public int Kinds => _counts.Count;

    /// <summary>The present model; null until the first pod has arrived on a cluster with cards.</summary>
    public DemandModel? Model => _model;

    /// <inheritdoc/>
    public void Observe(PodInfo pod, bool isNew, Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(snapshot);
        lock (_gate)
        {
            if (_census is null || _censusVersion != snapshot.FactsVersion)
            {
                _census = new NodeCensus(snapshot);
                _censusVersion = snapshot.FactsVersion;
            }

            if (_census.Cards == 0)
            {
                return;
            }

            if (_learned is null)
            {
                Guess();
                RememberRunning(snapshot);
            }

            if (isNew)
            {
                Remember(pod);
            }

            if (_learned is null || IsAnother(_census, _learned) || _news >= Math.Max(FewestNew, _remembered / 3))
            {
                Forget();
                Learn(_census);
            }

            Price(snapshot);
        }
    }

    /// <summary>True when what was learned about the nodes does not hold any more: a new class, or a sixteenth more or fewer cards.</summary>
    private static bool IsAnother(NodeCensus now, NodeCensus learned) =>
        now != learned && (Math.Abs(now.Cards - learned.Cards) * 16 > learned.Cards || now.Classes.Any(c => !learned.Has(c.Class)));

    /// <summary>The kind of a pod; null for one without GPUs or with MIG devices. A share of memory counts as that part of the cluster's largest card.</summary>
    private DemandKind? KindOf(PodInfo pod)
    {
        if (TypicalPod.Of(pod) is not { Cards: > 0 } kind)
        {
            return null;
        }

        var milli = Math.Max(kind.Milli, (int)pod.Request.ShareMemoryMilli(_census!.MostCardMemoryMiB));
        return new DemandKind(kind.CpuMilli, kind.Cards, Math.Max(1, milli), (pod.MemoryBytes + (1L << 30) - 1) >> 30, kind.Models);
    }

    private void Guess()
    {
        if (expected?.Current.Pods is { Length: > 0 } pods)
        {
            foreach (var (pod, share) in pods.Where(p => p.Pod.Cards > 0))
            {
                Remember(new DemandKind(pod.CpuMilli, pod.Cards, Math.Max(1, pod.Milli), 0, pod.Models), share * PriorPods);
            }
        }

        if (_counts.Count == 0)
        {
            var cpuPerMilli = PriorCpu * _census!.CpuMilli / ((double)_census.Cards * SharePacking.WholeCard);
            foreach (var (cards, milli, share) in s_prior)
            {
                Remember(new DemandKind((long)(cpuPerMilli * cards * milli), cards, milli, 0, ""), share * PriorPods);
            }
        }
    }

    /// <summary>What runs already has arrived some time ago.</summary>
    private void RememberRunning(Snapshot snapshot)
    {
        foreach (var node in snapshot.Nodes)
        {
            if (node is not null)
            {
                foreach (var allocation in node.Allocations)
                {
                    Remember(allocation.Pod);
                }
            }
        }
    }

    private void Remember(PodInfo pod)
    {
        if (KindOf(pod) is { } kind)
        {
            Remember(kind, 1);
            _seen++;
            _news++;
            if (kind is { Cards: > 1, Milli: SharePacking.WholeCard })
            {
                _slotCounts[kind.Cards] = _slotCounts.GetValueOrDefault(kind.Cards) + 1;
                _large += kind.Cards == _census!.MostCards && kind.CpuMilli > _census.NextCpuMilli ? 1 : 0;
            }
        }
    }

    private void Remember(in DemandKind kind, double pods)
    {
        _counts[kind] = _counts.GetValueOrDefault(kind) + pods;
        _remembered += pods;
    }

    private void Forget()
    {
        if (_remembered < MostRemembered && _counts.Count < MostKinds)
        {
            return;
        }

        foreach (var kind in _counts.Keys.ToList())
        {
            // Not less than one half: where every pod is another, the newest are what is known.
            if ((_counts[kind] /= 2) < 0.5)
            {
                _counts.Remove(kind);
            }
        }

        foreach (var cards in _slotCounts.Keys.ToList())
        {
            _slotCounts[cards] /= 2;
        }

        _large /= 2;
        _seen /= 2;
        _remembered = _counts.Values.Sum();
    }

    private void Learn(NodeCensus census)
    {
        _learned = census;
        _news = 0;
        var kinds = Possible(census);
        _meanMilli = kinds.Sum(k => k.Share * k.Kind.TotalMilli);
        var slots = _slotCounts.Keys.Concat([2, 4, 8, 16]).Where(c => c <= census.MostCards).Distinct().Order();
        _model = DemandModel.Make(kinds, Typical(kinds), census, slots, ++_version);
        _steps = [];
    }

    /// <summary>
    /// The kinds that some node could take if it were empty, the most frequent first: a pod that can go nowhere says nothing of what
    /// will be used. All kinds when that leaves none.
    /// </summary>
    private List<(DemandKind Kind, double Share)> Possible(NodeCensus census)
    {
        var able = new bool[census.Classes.Count];
        var kinds = _counts.Where(c => census.FindAble(c.Key, able) > 0).ToList();
        kinds = kinds.Count > 0 ? kinds : [.. _counts];
        var all = kinds.Sum(c => c.Value);
        return
        [
            .. kinds
                .OrderByDescending(c => c.Value)
                .ThenBy(c => c.Key.CpuMilli).ThenBy(c => c.Key.Cards).ThenBy(c => c.Key.Milli).ThenBy(c => c.Key.MemoryGiB).ThenBy(c => c.Key.Models, StringComparer.Ordinal)
                .Select(c => (c.Key, c.Value / all)),
        ];
    }

    /// <summary>The most frequent kinds, whatever their memory, that make up <see cref="TypicalPart"/> of the pods.</summary>
    private static List<(DemandKind, double)> Typical(List<(DemandKind Kind, double Share)> kinds)
    {
        var typical = new List<(DemandKind, double)>();
        var covered = 0.0;
        foreach (var same in kinds.GroupBy(k => k.Kind with { MemoryGiB = 0, Models = "" }).Select(g => (g.Key, Share: g.Sum(k => k.Share))).OrderByDescending(k => k.Share))
        {
            if (covered >= TypicalPart || typical.Count == MostTypical)
            {
                break;
            }

            typical.Add(same);
            covered += same.Share;
        }

        return typical;
    }

    /// <summary>
    /// Prices the slots: what always stands, and the whole of the GPUs by the chance that more pods of the size come before what is
    /// free is used up (a Poisson number of them) than slots will last.
    /// </summary>
    private void Price(Snapshot snapshot)
    {
        var slots = _model!.Slots;
        Span<long> counts = stackalloc long[slots.Length];
        var free = _slots.Count(snapshot, slots, counts);
        var toCome = free / _meanMilli;
        var changed = _steps.Length != slots.Length;
        if (changed)
        {
            _steps = new int[slots.Length];
        }

        for (var i = 0; i < slots.Length; i++)
        {
            var step = (int)Math.Round(ChanceSteps * Chance(toCome * ShareOf(slots[i]), counts[i] * LastingSlots));
            changed |= step != _steps[i];
            _steps[i] = step;
        }

        if (!changed)
        {
            return;
        }

        Span<double> prices = stackalloc double[slots.Length];
        for (var i = 0; i < slots.Length; i++)
        {
            var (chance, share) = (_steps[i] / (double)ChanceSteps, SeenOf(slots[i]) / Math.Max(1, _seen));
            prices[i] = SharePacking.WholeCard * slots[i].Cards * ((StandingPrice * (share + UnseenOf(slots[i]))) + chance);
        }

        _model = _model.With(prices, ++_version);
    }

    /// <summary>Pods seen that wanted such a slot.</summary>
    private double SeenOf(in Slot slot) => slot.IsLarge ? _large : _slotCounts.GetValueOrDefault(slot.Cards);

    /// <summary>Share of the pods that is believed to want such a slot before any is seen: the large one as often as there are cards in the largest nodes.</summary>
    private double UnseenOf(in Slot slot) => slot.IsLarge ? UnseenSlots * _learned!.LargestCards / _learned.Cards : UnseenSlots;

    /// <summary>Share of the pods to come that want such a slot.</summary>
    private double ShareOf(in Slot slot) => (SeenOf(slot) + (UnseenOf(slot) * PriorPods)) / (_seen + PriorPods);

    /// <summary>The chance that a Poisson number with this mean is at least <paramref name="slots"/>.</summary>
    private static double Chance(double mean, double slots)
    {
        if (slots <= 0)
        {
            return 1;
        }

        if (mean > 500)
        {
            return mean > slots ? 1 : 0; // its spread is below 5 % of it
        }

        double term = Math.Exp(-mean), below = 0;
        for (var i = 0; i < slots && below < 1 - 1e-6; i++)
        {
            below += term;
            term *= mean / (i + 1);
        }

        return Math.Max(0, 1 - below);
    }
}
