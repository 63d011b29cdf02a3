using Google.OrTools.Sat;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Roles;

/// <summary>
/// The model of one domain for a gang of several roles. Variables are numbers of members by role in groups of nodes: the domains of the
/// innermost level that matters. What a group can take is exact: by counting where the sizes nest, else by which combinations each kind of
/// node takes.
/// </summary>
internal sealed class RoleModel
{
    /// <summary>The linear relaxation at its strongest: without it, domains that cost when opened take ten to a hundred times as long.</summary>
    public const string Parameters = "linearization_level:2";

    private readonly RoleReach _reach;
    private readonly RoleQuestion _question;
    private readonly NestedSizes? _nested;
    private readonly List<Group> _groups = [];
    private readonly List<Opening> _openings = [];
    private readonly List<int> _counted = []; // levels, outermost first
    private readonly int _level;
    private readonly int _domain;
    private readonly long[] _weights; // by level

    private RoleModel(RoleReach reach, int level, int domain, RoleQuestion question)
    {
        _reach = reach;
        _question = question;
        _level = level;
        _domain = domain;
        var hasNodeCaps = reach.Problem.Roles.Any(r => r.Spread is { Level: NetworkTopology.NodeLevel });
        _nested = hasNodeCaps ? null : NestedSizes.Of(reach.Problem.Capacity, [.. Enumerable.Range(0, reach.Roles)]);
        var named = level == NetworkTopology.NodeLevel ? 0 : reach.Topology.Domains(level)[domain].NamedInside;
        _weights = new long[reach.Topology.ClusterLevel + 1];
        var weight = 1L;
        for (var inner = 1; inner < level; inner++)
        {
            if ((named & (1 << inner)) != 0)
            {
                _counted.Insert(0, inner);
                _weights[inner] = weight;
                weight = Math.Min(weight * (Math.Min(reach.Topology.CountInside(level, domain, inner), question.Most.Sum()) + 1L), 1L << 40);
            }
        }
    }

    /// <summary>The model.</summary>
    public CpModel Model { get; } = new();

    /// <summary>A bound on the cost by counting each size for itself.</summary>
    public long LeastCost { get; private set; }

    public static RoleModel Build(RoleReach reach, int level, int domain, RoleQuestion question)
    {
        var model = new RoleModel(reach, level, domain, question);
        model.AddGroups();
        model.AddTotals();
        model.AddCaps();
        return model;
    }

    /// <summary>Domains of the outermost level that is counted, in a cost.</summary>
    public long FirstOf(long cost) => _counted.Count == 0 ? 0 : cost / _weights[_counted[0]];

    public void MaximizeValue() => Model.Maximize(LinearExpr.WeightedSum(AllCounts(), AllValues()));

    public void RequireValue()
    {
        if (_question.LeastValue > 0)
        {
            Model.Add(LinearExpr.WeightedSum(AllCounts(), AllValues()) >= _question.LeastValue);
        }
    }

    /// <summary>Asks for the fewest domains, those of outer levels first.</summary>
    public void MinimizeDomains()
    {
        if (_counted.Count == 0)
        {
            return;
        }

        foreach (var level in _counted)
        {
            var first = _reach.Topology.FirstInside(_level, _domain, level);
            for (var d = first; d < first + _reach.Topology.CountInside(_level, _domain, level); d++)
            {
                var (from, to) = _reach.Places(level, d);
                var inside = _groups.Where(g => g.First >= from && g.End <= to).ToList();
                if (_reach.FixedSum(level)[d] > 0)
                {
                    _openings.Add(new Opening(level, d, null));
                }
                else if (inside.Count > 0)
                {
                    _openings.Add(new Opening(level, d, Model.NewBoolVar("")));
                }
            }
        }

        var byDomain = _openings.ToDictionary(o => (o.Level, o.Domain), o => o.Used);
        foreach (var group in _groups)
        {
            foreach (var level in _counted)
            {
                if (byDomain[(level, _reach.Topology.DomainsByPlace(level)[group.First])] is { } used)
                {
                    for (var role = 0; role < group.Counts.Length; role++)
                    {
                        if (group.Most[role] > 0)
                        {
                            Model.Add(group.Counts[role] <= group.Most[role] * used);
                        }
                    }
                }
            }
        }

        // A domain outside one that is used is used.
        for (var i = 1; i < _counted.Count; i++)
        {
            foreach (var opening in _openings.Where(o => o.Level == _counted[i] && o.Used is not null))
            {
                var outer = _reach.Topology.DomainsByPlace(_counted[i - 1])[_reach.Places(opening.Level, opening.Domain).First];
                if (byDomain[(_counted[i - 1], outer)] is { } around)
                {
                    Model.AddImplication(opening.Used!, around);
                }
            }
        }

        var open = _openings.Where(o => o.Used is not null).ToList();
        var already = _openings.Where(o => o.Used is null).Sum(o => _weights[o.Level]);
        LeastCost = already;
        Strengthen(already);
        Model.Minimize(LinearExpr.WeightedSum(open.Select(o => (LinearExpr)o.Used!), open.Select(o => _weights[o.Level])) + already);
    }

    /// <summary>What a placement costs.</summary>
    public long CostOf(int[][] added)
    {
        var (first, end) = _reach.Places(_level, _domain);
        var cost = 0L;
        foreach (var level in _counted)
        {
            var domains = _reach.Topology.DomainsByPlace(level);
            var last = -1;
            for (var place = first; place < end; place++)
            {
                if (domains[place] != last && (_reach.FixedSum(NetworkTopology.NodeLevel)[place] > 0 || added.Any(a => a[place] > 0)))
                {
                    last = domains[place];
                    cost += _weights[level];
                }
            }
        }

        return cost;
    }

    /// <summary>Gives the optimizer a placement to begin with.</summary>
    public void Hint(int[][] added)
    {
        foreach (var group in _groups)
        {
            for (var role = 0; role < added.Length; role++)
            {
                Model.AddHint(group.Counts[role], added[role].AsSpan(group.First, group.End - group.First).ToArray().Sum());
            }
        }

        foreach (var opening in _openings)
        {
            if (opening.Used is { } used)
            {
                var (first, end) = _reach.Places(opening.Level, opening.Domain);
                Model.AddHint(used, added.Any(a => a.AsSpan(first, end - first).ContainsAnyExcept(0)));
            }
        }
    }

    /// <summary>The placement of a solution.</summary>
    public int[][] Read(long[] values)
    {
        var added = new int[_reach.Roles][];
        for (var role = 0; role < added.Length; role++)
        {
            added[role] = new int[_reach.Topology.Order.Length];
        }

        foreach (var group in _groups)
        {
            var counts = group.Counts.Select(c => (int)values[c.Index]).ToArray();
            if (_nested is not null)
            {
                FillBySize(group, counts, added);
            }
            else
            {
                FillByKind(group, counts, values, added);
            }
        }

        return added;
    }

    private IEnumerable<LinearExpr> AllCounts() => _groups.SelectMany(g => g.Counts);

    private IEnumerable<long> AllValues() => _groups.SelectMany(_ => _question.Value.Select(v => (long)v));

    /// <summary>The level of the groups: the innermost that is counted or capped.</summary>
    private int GroupLevel()
    {
        var level = _counted.Count == 0 ? _level : _counted[^1];
        foreach (var role in _reach.Problem.Roles)
        {
            if (role.Spread is { } spread && spread.Level > NetworkTopology.NodeLevel)
            {
                level = Math.Min(level, spread.Level);
            }
        }

        return level;
    }

    private void AddGroups()
    {
        var level = GroupLevel();
        if (level >= _level)
        {
            AddGroup(_reach.Places(_level, _domain));
            return;
        }

        var first = _reach.Topology.FirstInside(_level, _domain, level);
        for (var d = first; d < first + _reach.Topology.CountInside(_level, _domain, level); d++)
        {
            if (!_reach.IsIdle(level, d))
            {
                AddGroup(_reach.Places(level, d));
            }
        }
    }

    private void AddGroup((int First, int End) places)
    {
        var roles = _reach.Roles;
        var most = new int[roles];
        for (var role = 0; role < roles; role++)
        {
            var room = 0L;
            for (var place = places.First; place < places.End; place++)
            {
                room += _reach.Room(role)[place];
            }

            most[role] = (int)Math.Min(room, _question.Most[role]);
        }

        var counts = most.Select(m => Model.NewIntVar(0, m, "")).ToArray();
        var group = new Group(places.First, places.End, counts, most, []);
        if (_nested is not null)
        {
            foreach (var size in _nested.Sizes)
            {
                var offer = 0L;
                for (var place = places.First; place < places.End; place++)
                {
                    offer += _nested.Offer(_reach.Topology.Order[place], size);
                }

                var atLeast = Enumerable.Range(0, roles).Where(r => GpusOf(r) >= size).ToArray();
                Model.Add(LinearExpr.WeightedSum(atLeast.Select(r => (LinearExpr)counts[r]), atLeast.Select(r => (long)GpusOf(r))) <= offer);
            }
        }
        else
        {
            AddKinds(group);
        }

        _groups.Add(group);
    }

    private int GpusOf(int role) => ((WholeGpuCapacity)_reach.Problem.Capacity).Demands[role].Gpus;

    /// <summary>How many nodes of each kind take which combination; a kind are nodes that take the same.</summary>
    private void AddKinds(Group group)
    {
        var kinds = new Dictionary<string, (List<int> Places, List<int[]> Combinations)>(StringComparer.Ordinal);
        for (var place = group.First; place < group.End; place++)
        {
            var combinations = Combinations(place);
            if (combinations.Count == 0)
            {
                continue;
            }

            var key = string.Join(';', combinations.Select(c => string.Join(',', c)));
            if (!kinds.TryGetValue(key, out var kind))
            {
                kinds[key] = kind = ([], combinations);
            }

            kind.Places.Add(place);
        }

        var given = new List<(IntVar Nodes, int[] Members)>();
        foreach (var (places, combinations) in kinds.Values)
        {
            var nodes = combinations.Select(_ => Model.NewIntVar(0, places.Count, "")).ToArray();
            Model.Add(LinearExpr.Sum(nodes) <= places.Count);
            group.Kinds.Add(new Kind(places, combinations, nodes));
            given.AddRange(nodes.Zip(combinations));
        }

        for (var role = 0; role < group.Counts.Length; role++)
        {
            var r = role;
            var some = given.Where(g => g.Members[r] > 0).ToList();
            if (some.Count == 0)
            {
                Model.Add(group.Counts[role] == 0);
            }
            else
            {
                Model.Add(group.Counts[role] <= LinearExpr.WeightedSum(some.Select(g => (LinearExpr)g.Nodes), some.Select(g => (long)g.Members[r])));
            }
        }
    }

    /// <summary>What a node takes: the combinations to which nothing can be added.</summary>
    private List<int[]> Combinations(int place)
    {
        var all = new List<int[]>();
        Enumerate(place, 0, new int[_reach.Roles], all);
        return [.. all.Where(c => c.Any(n => n > 0) && !all.Exists(o => !ReferenceEquals(o, c) && Covers(o, c)))];
    }

    private static bool Covers(int[] outer, int[] inner)
    {
        var more = false;
        for (var role = 0; role < outer.Length; role++)
        {
            if (outer[role] < inner[role])
            {
                return false;
            }

            more |= outer[role] > inner[role];
        }

        return more;
    }

    private void Enumerate(int place, int role, int[] members, List<int[]> all)
    {
        if (role == members.Length)
        {
            all.Add([.. members]);
            return;
        }

        var room = _reach.Room(role)[place];
        if (room > 0 && members.AsSpan(0, role).ContainsAnyExcept(0))
        {
            room = _reach.Problem.Capacity.Room(_reach.Topology.Order[place], role, members);
        }

        room = Math.Min(Math.Min(room, _question.Most[role]), _reach.Allowance(role, NetworkTopology.NodeLevel, place));
        for (members[role] = 0; members[role] <= room; members[role]++)
        {
            Enumerate(place, role + 1, members, all);
        }

        members[role] = 0;
    }

    private void AddTotals()
    {
        for (var role = 0; role < _reach.Roles; role++)
        {
            Model.AddLinearConstraint(LinearExpr.Sum(_groups.Select(g => g.Counts[role])), _question.Least[role], _question.Most[role]);
        }
    }

    private void AddCaps()
    {
        for (var role = 0; role < _reach.Roles; role++)
        {
            if (_reach.Problem.Roles[role].Spread is not { } spread || spread.Level == NetworkTopology.NodeLevel || spread.Level > _level)
            {
                continue;
            }

            var first = _reach.Topology.FirstInside(_level, _domain, spread.Level);
            for (var d = first; d < first + _reach.Topology.CountInside(_level, _domain, spread.Level); d++)
            {
                var (from, to) = _reach.Places(spread.Level, d);
                var inside = _groups.Where(g => g.First >= from && g.End <= to).Select(g => g.Counts[role]).ToList();
                Model.Add(LinearExpr.Sum(inside) <= _reach.Allowance(role, spread.Level, d));
            }
        }
    }

    /// <summary>Says how many domains of the outermost counted level there have to be: counted for each size, those with the largest offer first.</summary>
    private void Strengthen(long already)
    {
        if (_nested is null)
        {
            return;
        }

        var level = _counted[0];
        var openings = _openings.Where(o => o.Level == level).ToList();
        var fewest = 0;
        foreach (var size in _nested.Sizes)
        {
            var left = Enumerable.Range(0, _reach.Roles).Where(r => GpusOf(r) >= size).Sum(r => (long)_question.Least[r] * GpusOf(r));
            var offers = new List<long>();
            foreach (var opening in openings)
            {
                var (first, end) = _reach.Places(level, opening.Domain);
                var offer = 0L;
                for (var place = first; place < end; place++)
                {
                    offer += _nested.Offer(_reach.Topology.Order[place], size);
                }

                if (opening.Used is null)
                {
                    left -= offer;
                }
                else
                {
                    offers.Add(offer);
                }
            }

            var used = 0;
            foreach (var offer in offers.OrderDescending())
            {
                if (left <= 0)
                {
                    break;
                }

                left -= offer;
                used++;
            }

            fewest = Math.Max(fewest, used);
        }

        if (fewest > 0)
        {
            Model.Add(LinearExpr.Sum(openings.Where(o => o.Used is not null).Select(o => (LinearExpr)o.Used!)) >= fewest);
            LeastCost = already + (fewest * _weights[level]);
        }
    }

    /// <summary>The largest first, each on the node on which least is left.</summary>
    private void FillBySize(Group group, int[] counts, int[][] added)
    {
        var free = new int[group.End - group.First];
        for (var i = 0; i < free.Length; i++)
        {
            free[i] = _nested!.Free(_reach.Topology.Order[group.First + i]);
        }

        foreach (var role in Enumerable.Range(0, counts.Length).OrderByDescending(GpusOf))
        {
            for (var n = 0; n < counts[role]; n++)
            {
                var best = -1;
                for (var i = 0; i < free.Length; i++)
                {
                    if (free[i] >= GpusOf(role) && (best < 0 || free[i] < free[best]))
                    {
                        best = i;
                    }
                }

                free[best] -= GpusOf(role);
                added[role][group.First + best]++;
            }
        }
    }

    private static void FillByKind(Group group, int[] counts, long[] values, int[][] added)
    {
        foreach (var kind in group.Kinds)
        {
            var next = 0;
            for (var c = 0; c < kind.Combinations.Count; c++)
            {
                for (var n = values[kind.Nodes[c].Index]; n > 0; n--, next++)
                {
                    for (var role = 0; role < counts.Length; role++)
                    {
                        var taken = Math.Min(kind.Combinations[c][role], counts[role]);
                        added[role][kind.Places[next]] += taken;
                        counts[role] -= taken;
                    }
                }
            }
        }
    }

    /// <summary>Nodes that are counted together.</summary>
    private sealed record Group(int First, int End, IntVar[] Counts, int[] Most, List<Kind> Kinds);

    /// <summary>Nodes of a group that take the same.</summary>
    private sealed record Kind(List<int> Places, List<int[]> Combinations, IntVar[] Nodes);

    /// <summary>Whether a domain is used; null when fixed members use it already.</summary>
    private sealed record Opening(int Level, int Domain, BoolVar? Used);
}
