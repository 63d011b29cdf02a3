using System.Numerics;
using Google.OrTools.Sat;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Eviction;

/// <summary>
/// The model of one domain: whom to evict, and how many members each node then takes. Nodes on which the same victims hold as many GPUs
/// are one where only their number matters.
/// </summary>
internal sealed class EvictionModel
{
    /// <summary>The linear relaxation at its strongest.</summary>
    public const string Parameters = "linearization_level:2";

    private readonly EvictionCase _case;
    private readonly EvictionDomain _domain;
    private readonly Dictionary<int, BoolVar> _evicted = [];
    private readonly List<(int Place, IntVar?[] Members)> _members = []; // only where nodes are told apart

    private EvictionModel(EvictionCase problem, EvictionDomain domain)
    {
        _case = problem;
        _domain = domain;
    }

    /// <summary>The model.</summary>
    public CpModel Model { get; } = new();

    /// <summary>Asks for a set of victims that costs less than a known one.</summary>
    public static EvictionModel Build(EvictionCase problem, EvictionDomain domain, long below, double bound)
    {
        var model = new EvictionModel(problem, domain);
        if (problem.Least.Length == 1 && problem.Gang.Roles[0] is { Segment: null, Spread: null })
        {
            model.AddCounted();
        }
        else
        {
            model.AddNodes();
        }

        var victims = model._evicted.OrderBy(e => e.Key).ToList();
        var cost = LinearExpr.WeightedSum(victims.Select(e => (LinearExpr)e.Value), victims.Select(e => problem.Costs[e.Key]));
        model.Model.Add(cost <= below - 1);
        model.Model.Add(cost >= (long)Math.Ceiling(bound - 1e-6));
        model.Model.Minimize(cost);
        return model;
    }

    /// <summary>The victims of a solution.</summary>
    public bool[] Read(long[] values)
    {
        var evicted = new bool[_case.Costs.Length];
        foreach (var (victim, variable) in _evicted)
        {
            evicted[victim] = values[variable.Index] == 1;
        }

        return evicted;
    }

    private BoolVar Evicted(int victim)
    {
        if (!_evicted.TryGetValue(victim, out var variable))
        {
            _evicted[victim] = variable = Model.NewBoolVar("");
        }

        return variable;
    }

    /// <summary>One role, anywhere in the domain: rooms by kind of node have to add up to its members.</summary>
    private void AddCounted()
    {
        var kinds = _domain.Nodes.Where(n => _case.RoomAtMost(0, n) > 0).GroupBy(n =>
            $"{n.FreeGpus}/{n.FreeCpuMilli}/{n.FreeMemoryBytes}/{_case.RoomAtMost(0, n)}/{string.Join(',', n.Holds.OrderBy(h => h.Victim).Select(h => $"{h.Victim}:{(IsShared(n, h) ? h.Gpus : (ulong)BitOperations.PopCount(h.Gpus))}:{h.CpuMilli}:{h.MemoryBytes}"))}").ToList();
        var rooms = new List<LinearExpr>();
        var free = 0L;
        var none = new bool[_case.Costs.Length];
        foreach (var kind in kinds)
        {
            var node = kind.First();
            var most = _case.RoomAtMost(0, node);
            var least = _case.Room(0, node, none);
            if (most == least)
            {
                free += (long)least * kind.Count();
                continue;
            }

            var room = Model.NewIntVar(0, most, "");
            Limit(node, [room]);
            rooms.Add(room * kind.Count());
        }

        Model.Add(LinearExpr.Sum(rooms) >= _case.Least[0] - free);
    }

    private static bool IsShared(EvictionNode node, EvictionNode.Hold hold) => node.Holds.Any(o => o.Victim != hold.Victim && (o.Gpus & hold.Gpus) != 0);

    /// <summary>Several roles, segments or caps: members by role and node.</summary>
    private void AddNodes()
    {
        var roles = _case.Least.Length;
        foreach (var node in _domain.Nodes)
        {
            var members = new IntVar?[roles];
            for (var role = 0; role < roles; role++)
            {
                members[role] = _case.RoomAtMost(role, node) is > 0 and var most ? Model.NewIntVar(0, most, "") : null;
            }

            if (members.Any(m => m is not null))
            {
                Limit(node, members);
                _members.Add((node.Place, members));
            }
        }

        for (var role = 0; role < roles; role++)
        {
            Model.Add(Total(role, _members.Select(m => m.Place).ToHashSet()) == _case.Least[role]);
            AddSpread(role);
            AddSegments(role);
        }
    }

    private LinearExpr Total(int role, HashSet<int> places) => LinearExpr.Sum(_members.Where(m => m.Members[role] is not null && places.Contains(m.Place)).Select(m => (LinearExpr)m.Members[role]!));

    /// <summary>The members on a node fit what is free once the victims are gone.</summary>
    private void Limit(EvictionNode node, IntVar?[] members)
    {
        var capacity = _case.Capacity;
        var some = Enumerable.Range(0, members.Length).Where(r => members[r] is not null).ToList();
        LinearExpr Need(Func<int, long> each) => LinearExpr.WeightedSum(some.Select(r => (LinearExpr)members[r]!), some.Select(each));

        Model.Add(Need(r => capacity.Demands[r].Gpus) <= FreeGpus(node));
        if (!capacity.CpuMilli.IsEmpty)
        {
            AddRest(Need(r => capacity.Demands[r].CpuMilli), node.FreeCpuMilli, node, h => h.CpuMilli);
        }

        if (!capacity.MemoryBytes.IsEmpty)
        {
            AddRest(Need(r => capacity.Demands[r].MemoryBytes), node.FreeMemoryBytes, node, h => h.MemoryBytes);
        }

        // For each victim alone: what fits with it and what without. Says nothing new, but says it to the linear relaxation.
        foreach (var role in some)
        {
            var most = _case.RoomAtMost(role, node);
            foreach (var victim in node.Holds.Select(h => h.Victim).Distinct())
            {
                var others = new bool[_case.Costs.Length];
                Array.Fill(others, true);
                others[victim] = false;
                var with = _case.Room(role, node, others);
                if (with < most)
                {
                    Model.Add(members[role]! <= with + ((most - with) * Evicted(victim)));
                }
            }
        }
    }

    private void AddRest(LinearExpr need, long free, EvictionNode node, Func<EvictionNode.Hold, long> given)
    {
        // Amounts beyond what any gang asks for would only overflow.
        const long Enough = 1L << 52;
        if (free >= Enough)
        {
            return;
        }

        Model.Add(need <= LinearExpr.Sum(node.Holds.Select(h => Evicted(h.Victim) * Math.Min(given(h), Enough))) + free);
    }

    /// <summary>Free GPUs of a node: one that several use is free when all of them are gone.</summary>
    private LinearExpr FreeGpus(EvictionNode node)
    {
        var terms = new List<LinearExpr>();
        var byUsers = new Dictionary<string, (List<int> Victims, int Gpus)>(StringComparer.Ordinal);
        for (var gpu = 0; gpu < InterconnectMatrix.MostGpus; gpu++)
        {
            var users = node.Holds.Where(h => (h.Gpus >> gpu & 1) != 0).Select(h => h.Victim).Distinct().Order().ToList();
            if (users.Count > 0)
            {
                var key = string.Join(',', users);
                byUsers[key] = (users, byUsers.TryGetValue(key, out var same) ? same.Gpus + 1 : 1);
            }
        }

        foreach (var (users, gpus) in byUsers.Values)
        {
            if (users.Count == 1)
            {
                terms.Add(Evicted(users[0]) * gpus);
                continue;
            }

            var gone = Model.NewBoolVar("");
            foreach (var user in users)
            {
                Model.AddImplication(gone, Evicted(user));
            }

            terms.Add(gone * gpus);
        }

        return LinearExpr.Sum(terms) + node.FreeGpus;
    }

    private void AddSpread(int role)
    {
        if (_case.Gang.Roles[role].Spread is { } spread)
        {
            foreach (var (places, held) in ByDomain(spread.Level, role))
            {
                Model.Add(Total(role, places) <= spread.Members - held);
            }
        }
    }

    private void AddSegments(int role)
    {
        if (_case.Gang.Roles[role].Segment is not { Members: > 1 } segment)
        {
            return;
        }

        var rest = _case.Gang.Roles[role].Max % segment.Members;
        var partial = new List<BoolVar>();
        foreach (var (places, held) in ByDomain(segment.Level, role))
        {
            var whole = Model.NewIntVar(0, (_case.Gang.Roles[role].Max / segment.Members) + 1, "");
            LinearExpr total = whole * segment.Members;
            if (rest > 0)
            {
                var isPartial = Model.NewBoolVar("");
                partial.Add(isPartial);
                total += isPartial * rest;
            }

            Model.Add(Total(role, places) + held == total);
        }

        if (rest > 0)
        {
            Model.Add(LinearExpr.Sum(partial) == 1);
        }
    }

    /// <summary>Places and fixed members of the domains of a level that the members may lie in.</summary>
    private IEnumerable<(HashSet<int> Places, int Held)> ByDomain(int level, int role)
    {
        var domains = _case.Topology.DomainsByPlace(level).ToArray();
        var held = _case.Gang.Fixed.Where(s => s.Role == role).GroupBy(s => domains[_case.Topology.PlaceOf(s.Position)]).ToDictionary(g => g.Key, g => g.Sum(s => s.Members));
        foreach (var group in _members.Select(m => m.Place).Concat(_case.Gang.Fixed.Select(s => _case.Topology.PlaceOf(s.Position))).Distinct().GroupBy(p => domains[p]))
        {
            yield return ([.. group], held.GetValueOrDefault(group.Key));
        }
    }
}
