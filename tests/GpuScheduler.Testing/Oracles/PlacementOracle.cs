namespace GpuScheduler.Testing;

/// <summary>
/// The published placement policies, written down from their description with no thought of speed: every pod is tried on every node, and every
/// number is worked out from the node as it is.
/// </summary>
/// <param name="policy">Name of the policy.</param>
/// <param name="nodes">The nodes; among equals the first wins.</param>
/// <param name="typical">The typical pods and their shares, in order.</param>
public sealed class PlacementOracle(string policy, IReadOnlyList<OracleNode> nodes, IReadOnlyList<(OraclePod Pod, double Share)> typical)
{
    private const double CpuScale = 128000;
    private const double CardScale = 8000;

    /// <summary>The typical pods of a list: the most frequent kinds that make up 95 % of it.</summary>
    public static IReadOnlyList<(OraclePod Pod, double Share)> Learn(IReadOnlyList<OraclePod> pods)
    {
        var groups = pods.Select(p => p with { Memory = 0 }).GroupBy(p => p).Select(g => (Kind: g.Key, Count: g.Count()))
            .OrderByDescending(g => g.Count).ThenByDescending(g => g.Kind.Cpu).ThenByDescending(g => g.Kind.Milli).ThenByDescending(g => g.Kind.Cards)
            .ThenByDescending(g => g.Kind.Models, StringComparer.Ordinal).ToList();
        var taken = 1;
        while (groups.Take(taken).Sum(g => g.Count) / (double)pods.Count < 0.95)
        {
            taken++;
        }

        var covered = groups.Take(taken).Sum(g => g.Count) / (double)pods.Count;
        return [.. groups.Take(taken).Select(g => (g.Kind, g.Count / (double)pods.Count / covered))];
    }

    /// <summary>Places a pod and returns where; (-1, []) when it fits nowhere.</summary>
    public (int Node, int[] Cards) Place(OraclePod pod)
    {
        var feasible = Enumerable.Range(0, nodes.Count).Where(i => Fits(pod, nodes[i])).ToList();
        if (feasible.Count == 0)
        {
            return (-1, []);
        }

        var scores = feasible.Select(i => Score(pod, nodes[i])).ToList();
        if (policy == "bestfit")
        {
            var (min, max) = (scores.Min(), scores.Max());
            scores = [.. scores.Select(s => max == min ? 0 : (s - min) * 100 / (max - min))];
        }

        var chosen = feasible[scores.IndexOf(scores.Max())];
        var cards = CardsFor(pod, nodes[chosen]);
        Take(pod, nodes[chosen], cards);
        return (chosen, cards);
    }

    /// <summary>Removes a pod.</summary>
    public void Remove(OraclePod pod, int node, int[] cards)
    {
        nodes[node].Cpu += pod.Cpu;
        nodes[node].Memory += pod.Memory;
        nodes[node].Pods.Remove(pod);
        foreach (var card in cards)
        {
            nodes[node].Cards[card] += pod.Milli;
        }
    }

    /// <summary>F of a node as it is, or as it would be.</summary>
    public double Fragmentation(OracleNode node) => Fragmentation(node.Model, node.Cpu, node.Cards);

    private static bool Fits(OraclePod pod, OracleNode node) =>
        node.Cpu >= pod.Cpu && node.Memory >= pod.Memory && node.Pods.Count < node.MostPods
        && (pod.Cards == 0 || (pod.Allows(node.Model) && node.Cards.Count(c => c >= pod.Milli) >= pod.Cards));

    private static void Take(OraclePod pod, OracleNode node, int[] cards)
    {
        node.Cpu -= pod.Cpu;
        node.Memory -= pod.Memory;
        node.Pods.Add(pod);
        foreach (var card in cards)
        {
            node.Cards[card] -= pod.Milli;
        }
    }

    private int[] CardsFor(OraclePod pod, OracleNode node)
    {
        var fitting = Enumerable.Range(0, node.CardCount).Where(c => node.Cards[c] >= pod.Milli);
        return pod.Cards == 0 ? []
            : pod.Milli == 1000 ? [.. fitting.Take(pod.Cards)]
            : policy == "fgd" ? [fitting.OrderByDescending(c => Gradient(pod, node, c)).First()]
            : [fitting.OrderBy(c => node.Cards[c]).First()];
    }

    private int Score(OraclePod pod, OracleNode node)
    {
        double idle = node.Cards.Sum();
        double asked = pod.Cards * pod.Milli;
        return policy switch
        {
            "firstfit" => 0,
            "fgd" when pod.Cards == 1 && pod.Milli < 1000 => Enumerable.Range(0, node.CardCount).Where(c => node.Cards[c] >= pod.Milli).Max(c => Gradient(pod, node, c)),
            "fgd" => Gradient(pod, node, CardsFor(pod, node)),
            "bestfit" => (int)(100 * (1 - ((0.5 * (node.Cpu - pod.Cpu) / CpuScale) + (0.5 * (idle - asked) / CardScale)))),
            "dotproduct" => (int)(100 * (1 - (((node.Cpu / CpuScale * (pod.Cpu / CpuScale)) + (idle / CardScale * (asked / CardScale))) / 2))),
            "gpupacking" => Packing(pod, node),
            "gpuclustering" => Clustering(pod, node),
            "leastallocated" => Allocated(pod, node, (requested, capacity) => (capacity - requested) * 100 / capacity),
            "mostallocated" => Allocated(pod, node, (requested, capacity) => requested * 100 / capacity),
            _ => throw new InvalidOperationException($"no description of \"{policy}\""),
        };
    }

    private int Gradient(OraclePod pod, OracleNode node, params int[] cards)
    {
        var after = node.Cards.ToArray();
        foreach (var card in cards)
        {
            after[card] -= pod.Milli;
        }

        var decrease = Fragmentation(node) - Fragmentation(node.Model, node.Cpu - pod.Cpu, after);
        return (int)(100 * (1 / (1 + Math.Exp(-(decrease / 1000)))));
    }

    private double Fragmentation(string model, int cpu, int[] cards)
    {
        var sums = new double[6];
        var idle = cards.Sum();
        foreach (var (pod, share) in typical)
        {
            var hasCpu = cpu >= pod.Cpu;
            var hasCards = cards.Count(c => c >= pod.Milli) >= pod.Cards;
            var (sum, fragment) = pod.Cards == 0 ? (hasCpu ? 3 : 4, idle)
                : !pod.Allows(model) ? (5, idle)
                : hasCards && hasCpu ? (1, cards.Where(c => c < pod.Milli).Sum())
                : hasCpu ? (1, idle)
                : hasCards ? (2, idle)
                : (0, idle);
            sums[sum] += share * fragment;
        }

        return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5];
    }

    private static int Packing(OraclePod pod, OracleNode node)
    {
        if (pod.Cards == 0)
        {
            return 0;
        }

        var free = node.Cards.Count(c => c == 1000);
        if (free == node.CardCount)
        {
            return Math.Max(33 - free, free);
        }

        var taken = node.Cards.Order().Where(c => c >= pod.Milli).Take(pod.Cards).ToList();
        var opened = taken.Count(c => c == 1000);
        return opened > 0 ? Math.Max(50 - opened, 33) : Math.Max(100 - (taken.Sum(c => c * 100 / 1000) / 10), 50);
    }

    private static int Clustering(OraclePod pod, OracleNode node)
    {
        if (pod.Cards == 0)
        {
            return 0;
        }

        var classes = node.Pods.Where(p => p.Cards > 0).Select(p => p.Class).ToHashSet();
        var basis = 25 * (8000 - node.Cards.Sum()) / 8000;
        return basis + (classes.Count == 0 ? 25 : !classes.Contains(pod.Class) ? 0 : classes.Count == 1 ? 75 : 50);
    }

    private static int Allocated(OraclePod pod, OracleNode node, Func<long, long, long> score)
    {
        const long MiB = 1 << 20;
        var scores = new List<long>
        {
            score(node.TotalCpu - node.Cpu + pod.Cpu, node.TotalCpu),
            score((node.TotalMemory - node.Memory + pod.Memory) * MiB, node.TotalMemory * MiB),
        };
        if (pod.Cards > 0)
        {
            scores.Add(score((node.CardCount * 1000) - node.Cards.Sum() + (pod.Cards * pod.Milli), node.CardCount * 1000));
        }

        return (int)(scores.Sum() / scores.Count);
    }
}
