namespace GpuScheduler.Simulator.Tests.Reference;

/// <summary>
/// The published fill-up experiment, written from its description in the plainest way and sharing nothing with the engine: every
/// node is looked at for every pod, every amount is worked out anew.
/// </summary>
internal sealed class ReferenceExperiment
{
    private readonly List<ReferenceNode> _nodes;
    private readonly int[] _rank;
    private readonly string _policy;
    private readonly List<(ReferencePod Pod, double P)> _typical;

    /// <param name="nodes">The nodes.</param>
    /// <param name="best">Positions of the nodes, best first: ties are won in this order.</param>
    /// <param name="policy">fgd, bestfit, dotproduct, gpupacking, gpuclustering or firstfit.</param>
    /// <param name="trace">The original trace, from which typical pods are learned.</param>
    public ReferenceExperiment(IEnumerable<ReferenceNode> nodes, IReadOnlyList<int> best, string policy, IReadOnlyList<ReferencePod> trace)
    {
        _nodes = [.. nodes];
        _rank = new int[_nodes.Count];
        for (var i = 0; i < best.Count; i++)
        {
            _rank[best[i]] = i;
        }

        _policy = policy;
        _typical = TypicalPods(trace);
    }

    public List<ReferenceRecord> Records { get; } = [];

    public int Failed { get; private set; }

    public long UsedMilli => _nodes.Sum(n => n.Cards.Sum(c => 1000L - c));

    public int CardsInUse => _nodes.Sum(n => n.Cards.Count(c => c < 1000));

    public void Run(IEnumerable<ReferencePod> arrivals)
    {
        var capacity = _nodes.Sum(n => n.Cards.Length * 1000L);
        long arrived = 0;
        foreach (var pod in arrivals)
        {
            arrived += pod.N * pod.M;
            if (!Place(pod))
            {
                Failed++;
            }

            var idle = _nodes.Sum(n => n.Cards.Sum(c => (long)c));
            var f = _nodes.Sum(n => F(n, n.Cpu, n.Cards));
            Records.Add(new(100.0 * arrived / capacity, Math.Round(100.0 * UsedMilli / capacity, 2), idle == 0 ? 0 : Math.Round(100 * f / idle, 2)));
        }
    }

    /// <summary>The mean of the records whose arrived load rounds (half to even) to a load; else of its neighbours.</summary>
    public (double Allocation, double FragmentRatio)? At(int load)
    {
        foreach (var reach in new[] { 0, 1 })
        {
            var near = Records.Where(r => Math.Abs((int)Math.Round(r.ArrivedPercent, MidpointRounding.ToEven) - load) <= reach).ToList();
            if (near.Count > 0)
            {
                return (Math.Round(near.Average(r => r.AllocationPercent), 2), near.Average(r => r.FragmentRatioPercent));
            }
        }

        return null;
    }

    public bool Place(ReferencePod pod)
    {
        var feasible = _nodes.Where(n => Fits(n, pod)).ToList();
        if (feasible.Count == 0)
        {
            return false;
        }

        var scores = feasible.Count == 1 ? [0] : Scores(feasible, pod);
        var winner = feasible.Zip(scores).OrderByDescending(x => x.Second).ThenBy(x => _rank[_nodes.IndexOf(x.First)]).First().First;
        foreach (var card in CardsFor(winner, pod))
        {
            winner.Cards[card] -= pod.M;
        }

        winner.Cpu -= pod.Cpu;
        winner.Memory -= pod.Memory;
        winner.Pods++;
        if (pod.N > 0)
        {
            winner.Classes[pod.Class] = winner.Classes.GetValueOrDefault(pod.Class) + 1;
        }

        return true;
    }

    private static bool Fits(ReferenceNode node, ReferencePod pod) =>
        node.Cpu >= pod.Cpu && node.Memory >= pod.Memory && node.Pods < 1001
        && (pod.N == 0 || (pod.Allows(node.Model) && node.Cards.Count(c => c >= pod.M) >= pod.N));

    private List<int> CardsFor(ReferenceNode node, ReferencePod pod)
    {
        if (pod.N == 0)
        {
            return [];
        }

        var able = Enumerable.Range(0, node.Cards.Length).Where(i => node.Cards[i] >= pod.M).ToList();
        if (pod.M == 1000)
        {
            return [.. able.Take(pod.N)];
        }

        return _policy == "fgd"
            ? [able.OrderByDescending(i => FgdScore(node, pod, i)).ThenBy(i => i).First()]
            : [able.OrderBy(i => node.Cards[i]).ThenBy(i => i).First()];
    }

    private List<long> Scores(List<ReferenceNode> nodes, ReferencePod pod)
    {
        switch (_policy)
        {
            case "fgd":
                return [.. nodes.Select(n => pod.M < 1000 && pod.N > 0
                    ? Enumerable.Range(0, n.Cards.Length).Where(i => n.Cards[i] >= pod.M).Max(i => FgdScore(n, pod, i))
                    : FgdScore(n, pod, null))];
            case "bestfit":
                var raw = nodes.Select(n =>
                {
                    var x = (0.5 * (n.Cpu - pod.Cpu) / 128000) + (0.5 * (n.Cards.Sum() - (pod.N * pod.M)) / 8000);
                    return (long)(100 * (1 - x));
                }).ToList();
                var (min, max) = (raw.Min(), raw.Max());
                return [.. raw.Select(r => max == min ? 0 : (r - min) * 100 / (max - min))];
            case "dotproduct":
                return [.. nodes.Select(n =>
                {
                    var d = (n.Cpu / 128000.0 * (pod.Cpu / 128000.0)) + (n.Cards.Sum() / 8000.0 * (pod.N * pod.M / 8000.0));
                    return (long)(100 * (1 - (d / 2)));
                })];
            case "gpupacking":
                return [.. nodes.Select(n => Packing(n, pod))];
            case "gpuclustering":
                return [.. nodes.Select(n => Clustering(n, pod))];
            default:
                return [.. nodes.Select(_ => 0L)];
        }
    }

    private static long Packing(ReferenceNode node, ReferencePod pod)
    {
        if (pod.N == 0)
        {
            return 0;
        }

        var free = node.Cards.Count(c => c == 1000);
        if (free == node.Cards.Length)
        {
            return Math.Max(33 - free, free);
        }

        var taken = node.Cards.Where(c => c >= pod.M).OrderBy(c => c).Take(pod.N).ToList();
        var opened = taken.Count(c => c == 1000);
        return opened > 0 ? Math.Max(50 - opened, 33) : Math.Max(100 - (taken.Sum(c => c * 100 / 1000) / 10), 50);
    }

    private static long Clustering(ReferenceNode node, ReferencePod pod)
    {
        if (pod.N == 0)
        {
            return 0;
        }

        var b = 25 * (8000 - node.Cards.Sum()) / 8000;
        var own = node.Classes.ContainsKey(pod.Class);
        return b + (own && node.Classes.Count == 1 ? 75 : own ? 50 : node.Classes.Count == 0 ? 25 : 0);
    }

    private long FgdScore(ReferenceNode node, ReferencePod pod, int? card)
    {
        var after = node.Cards.ToArray();
        if (card is { } one)
        {
            after[one] -= pod.M;
        }
        else
        {
            foreach (var i in Enumerable.Range(0, after.Length).Where(i => after[i] >= pod.M).Take(pod.N).ToList())
            {
                after[i] -= pod.M;
            }
        }

        var delta = F(node, node.Cpu, node.Cards) - F(node, node.Cpu - pod.Cpu, after);
        return (long)(100 * (1 / (1 + Math.Exp(-delta / 1000))));
    }

    /// <summary>F, its six sums added up in the published order.</summary>
    private double F(ReferenceNode node, long cpu, int[] cards)
    {
        var idle = cards.Sum();
        var sums = new double[6];
        foreach (var (t, p) in _typical)
        {
            if (t.N == 0)
            {
                sums[cpu >= t.Cpu ? 3 : 4] += p * idle;
            }
            else if (!t.Allows(node.Model))
            {
                sums[5] += p * idle;
            }
            else
            {
                var a = cards.Count(c => c >= t.M) >= t.N;
                var b = cpu >= t.Cpu;
                sums[b ? 1 : a ? 2 : 0] += p * (a && b ? cards.Where(c => c < t.M).Sum() : idle);
            }
        }

        return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5];
    }

    private static List<(ReferencePod, double)> TypicalPods(IReadOnlyList<ReferencePod> trace)
    {
        var groups = trace.GroupBy(p => p.N == 0 ? (p.Cpu, M: 0, N: 0, Spec: "") : (p.Cpu, p.M, p.N, p.Spec))
            .OrderByDescending(g => g.Count()).ThenByDescending(g => g.Key.Cpu).ThenByDescending(g => g.Key.M).ThenByDescending(g => g.Key.N)
            .ThenByDescending(g => g.Key.Spec, StringComparer.Ordinal)
            .ToList();
        var taken = new List<(ReferencePod, double)>();
        var covered = 0;
        foreach (var group in groups)
        {
            if (covered >= 0.95 * trace.Count)
            {
                break;
            }

            covered += group.Count();
            taken.Add((new ReferencePod(group.Key.Cpu, 0, group.Key.N, group.Key.M, group.Key.Spec), group.Count() / (double)trace.Count));
        }

        var share = covered / (double)trace.Count;
        return [.. taken.Select(t => (t.Item1, t.Item2 / share))];
    }
}
