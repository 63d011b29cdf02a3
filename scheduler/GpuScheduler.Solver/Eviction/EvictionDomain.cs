using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Eviction;

/// <summary>One domain in which room may be made.</summary>
internal sealed class EvictionDomain
{
    private readonly EvictionCase _case;
    private readonly EvictionShares _shares;

    public EvictionDomain(EvictionCase problem, int level, int domain)
    {
        _case = problem;
        Level = level;
        Domain = domain;
        var (first, end) = level == NetworkTopology.NodeLevel
            ? (domain, domain + 1)
            : (problem.Topology.Domains(level)[domain].First, problem.Topology.Domains(level)[domain].End);
        Nodes = problem.Nodes[first..end];
        _shares = new EvictionShares(Nodes, problem.Costs);
    }

    /// <summary>Level of the domain.</summary>
    public int Level { get; }

    /// <summary>The domain.</summary>
    public int Domain { get; }

    /// <summary>Its nodes.</summary>
    public EvictionNode[] Nodes { get; }

    /// <summary>
    /// What room costs here at least: the least shares for the role with the most GPUs, members of a node taken together where that is
    /// cheaper. Infinite when even without all victims there is not enough.
    /// </summary>
    public double Bound()
    {
        var role = _case.Hungriest;
        var each = _case.Capacity.Demands[role].Gpus;
        var left = _case.Least[role];
        if (each == 0)
        {
            return 0;
        }

        var steps = new List<(double Price, int Members)>();
        Span<double> least = stackalloc double[InterconnectMatrix.MostGpus + 1];
        Span<ulong> who = stackalloc ulong[InterconnectMatrix.MostGpus + 1];
        var none = new bool[_case.Costs.Length];
        Span<double> price = stackalloc double[InterconnectMatrix.MostGpus + 1];
        foreach (var node in Nodes)
        {
            var most = _case.RoomAtMost(role, node);
            if (most == 0)
            {
                continue;
            }

            _shares.Fill(node, none, least, who);
            for (var members = 0; members <= most; members++)
            {
                var missing = (members * each) - node.FreeGpus;
                price[members] = missing <= 0 ? 0 : missing < least.Length ? least[missing] : double.PositiveInfinity;
            }

            Hull(price[..(most + 1)], steps);
        }

        steps.Sort(static (a, b) => a.Price.CompareTo(b.Price));
        var bound = 0.0;
        foreach (var (each1, members) in steps)
        {
            if (left <= 0)
            {
                break;
            }

            var taken = Math.Min(left, members);
            bound += each1 * taken;
            left -= taken;
        }

        return left > 0 ? double.PositiveInfinity : bound;
    }

    /// <summary>
    /// Evicts until the gang fits, where the next member is cheapest each time, and then takes back whom it can, the dearest first.
    /// Null when the gang does not fit even without all victims.
    /// </summary>
    public bool[]? Greedy(SolveLimit limit)
    {
        var evicted = new bool[_case.Costs.Length];
        if (!Clear(evicted, limit))
        {
            // Members of the largest role alone did not do: everybody goes, as far as it helps.
            foreach (var hold in Nodes.SelectMany(n => n.Holds))
            {
                evicted[hold.Victim] = true;
            }

            if (!_case.Fits(this, evicted, limit))
            {
                return null;
            }
        }

        foreach (var victim in Enumerable.Range(0, evicted.Length).Where(v => evicted[v]).OrderByDescending(v => _case.Costs[v]).ToList())
        {
            evicted[victim] = false;
            if (limit.IsOver || !_case.Fits(this, evicted, limit))
            {
                evicted[victim] = true;
            }
        }

        return evicted;
    }

    private bool Clear(bool[] evicted, SolveLimit limit)
    {
        var role = _case.Hungriest;
        var each = _case.Capacity.Demands[role].Gpus;
        if (each == 0)
        {
            return _case.Fits(this, evicted, limit);
        }

        var offers = new (double Price, ulong Who)[Nodes.Length];
        var rooms = new int[Nodes.Length];
        var touched = new Dictionary<int, List<int>>();
        for (var n = 0; n < Nodes.Length; n++)
        {
            foreach (var hold in Nodes[n].Holds)
            {
                if (!touched.TryGetValue(hold.Victim, out var list))
                {
                    touched[hold.Victim] = list = [];
                }

                list.Add(n);
            }

            (offers[n], rooms[n]) = Offer(Nodes[n], role, each, evicted);
        }

        while (rooms.Sum() < _case.Least[role])
        {
            var best = -1;
            for (var n = 0; n < offers.Length; n++)
            {
                if (offers[n].Who != 0 && (best < 0 || offers[n].Price < offers[best].Price))
                {
                    best = n;
                }
            }

            if (best < 0 || limit.IsOver)
            {
                return false;
            }

            foreach (var victim in Victims(Nodes[best], offers[best].Who))
            {
                evicted[victim] = true;
                foreach (var n in touched[victim])
                {
                    (offers[n], rooms[n]) = Offer(Nodes[n], role, each, evicted);
                }
            }
        }

        return _case.Fits(this, evicted, limit);
    }

    /// <summary>The cheapest way to get more members onto a node, by member.</summary>
    private ((double Price, ulong Who) Offer, int Room) Offer(EvictionNode node, int role, int each, bool[] evicted)
    {
        Span<double> least = stackalloc double[InterconnectMatrix.MostGpus + 1];
        Span<ulong> who = stackalloc ulong[InterconnectMatrix.MostGpus + 1];
        _shares.Fill(node, evicted, least, who);
        var room = _case.Room(role, node, evicted);
        var free = node.GpusWithout(evicted);
        var most = _case.RoomAtMost(role, node);
        var best = (Price: double.PositiveInfinity, Who: 0UL);
        for (var members = room + 1; members <= most; members++)
        {
            var missing = (members * each) - free;
            if (missing > 0 && missing < least.Length && least[missing] / (members - room) < best.Price)
            {
                best = (least[missing] / (members - room), who[missing]);
            }
        }

        return (best, room);
    }

    private static IEnumerable<int> Victims(EvictionNode node, ulong who) => node.Holds.Where((_, i) => i < 64 && (who & (1UL << i)) != 0).Select(h => h.Victim);

    /// <summary>The lower convex hull of a price by members, as steps of equal price each.</summary>
    private static void Hull(ReadOnlySpan<double> price, List<(double Price, int Members)> steps)
    {
        for (var at = 0; at < price.Length - 1;)
        {
            var next = at + 1;
            var best = double.PositiveInfinity;
            for (var to = at + 1; to < price.Length; to++)
            {
                var slope = (price[to] - price[at]) / (to - at);
                if (slope <= best)
                {
                    best = slope;
                    next = to;
                }
            }

            if (double.IsInfinity(best))
            {
                return;
            }

            steps.Add((best, next - at));
            at = next;
        }
    }
}
