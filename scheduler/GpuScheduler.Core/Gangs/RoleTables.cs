using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// The cheapest way to put every combination of members below every domain: <see cref="TreeTables"/> with a vector of members, for gangs
/// whose combinations are few (a leader and its workers). Exact.
/// </summary>
internal sealed class RoleTables : IRoleSearch
{
    /// <summary>More combinations than this are not tabulated: the work grows with their square.</summary>
    private const int MostStates = 256;

    private readonly TreeWeights _weights = new();
    private readonly Dictionary<int, (int[] Vectors, int[] Stranded)> _nodes = []; // by place: what fits, as numbers of states
    private long[]?[][] _tables = [];
    private RoleReach _reach = null!;
    private SolveLimit _limit = null!;
    private int[] _most = [];
    private int[] _radix = [];
    private int[] _digits = []; // by state and role
    private int _states;

    public string Method => "tree-dp";

    /// <summary>True for a gang with few enough combinations.</summary>
    public static bool Handles(RoleReach reach)
    {
        var states = 1L;
        for (var role = 0; role < reach.Roles && states <= MostStates; role++)
        {
            states *= Math.Max(0, reach.Problem.Roles[role].Max - reach.FixedByRole[role]) + 1L;
        }

        return states <= MostStates;
    }

    public RoleAnswer Most(RoleReach reach, int level, int domain, RoleQuestion question, SolveLimit limit)
    {
        if (Tabulate(reach, level, domain, limit) is not { } table)
        {
            return RoleAnswer.Unknown(long.MaxValue);
        }

        var best = -1;
        for (var state = 0; state < _states; state++)
        {
            if (table[state] < TreeWeights.Never && IsAsked(state, question)
                && (best < 0 || ValueOf(state, question) > ValueOf(best, question) || (ValueOf(state, question) == ValueOf(best, question) && table[state] < table[best])))
            {
                best = state;
            }
        }

        return best < 0 ? RoleAnswer.None : new RoleAnswer(ProofStatus.Optimal, ValueOf(best, question), ValueOf(best, question), Extract(level, domain, best));
    }

    public RoleAnswer Fewest(RoleReach reach, int level, int domain, RoleQuestion question, SolveLimit limit)
    {
        if (Tabulate(reach, level, domain, limit) is not { } table)
        {
            return RoleAnswer.Unknown(0);
        }

        var best = -1;
        for (var state = 0; state < _states; state++)
        {
            if (table[state] < TreeWeights.Never && IsAsked(state, question) && ValueOf(state, question) >= question.LeastValue && (best < 0 || table[state] < table[best]))
            {
                best = state;
            }
        }

        if (best < 0)
        {
            return RoleAnswer.None;
        }

        var used = _weights.FirstOf(table[best]) + reach.OpenInside(level, domain, _weights.FirstLevel);
        return new RoleAnswer(ProofStatus.Optimal, used, used, Extract(level, domain, best));
    }

    private long[]? Tabulate(RoleReach reach, int level, int domain, SolveLimit limit)
    {
        _limit = limit;
        Number(reach);
        var (first, end) = reach.Places(level, domain);
        var mostStranded = 0;
        for (var place = first; place < end; place++)
        {
            foreach (var stranded in Node(place).Stranded)
            {
                mostStranded = Math.Max(mostStranded, stranded);
            }
        }

        _weights.Fill(reach.Topology, level, domain, _most.Sum(), mostStranded, reach.Problem.Objective);
        _tables = new long[]?[level + 1][];
        for (var l = 1; l <= level; l++)
        {
            _tables[l] = new long[]?[reach.Topology.Domains(l).Length];
        }

        return level == NetworkTopology.NodeLevel ? NodeAlone(domain) : Build(level, domain);
    }

    private void Number(RoleReach reach)
    {
        if (ReferenceEquals(reach, _reach))
        {
            return;
        }

        _reach = reach;
        _most = [.. reach.Problem.Roles.Select((r, i) => Math.Max(0, r.Max - reach.FixedByRole[i]))];
        _nodes.Clear();
        _radix = new int[_most.Length];
        _states = 1;
        for (var role = 0; role < _most.Length; role++)
        {
            _radix[role] = _states;
            _states *= _most[role] + 1;
        }

        _digits = new int[_states * _most.Length];
        for (var state = 0; state < _states; state++)
        {
            for (var role = 0; role < _most.Length; role++)
            {
                _digits[(state * _most.Length) + role] = state / _radix[role] % (_most[role] + 1);
            }
        }
    }

    private ReadOnlySpan<int> Digits(int state) => _digits.AsSpan(state * _most.Length, _most.Length);

    private bool IsAsked(int state, RoleQuestion question)
    {
        var digits = Digits(state);
        for (var role = 0; role < digits.Length; role++)
        {
            if (digits[role] < question.Least[role] || digits[role] > question.Most[role])
            {
                return false;
            }
        }

        return true;
    }

    private long ValueOf(int state, RoleQuestion question)
    {
        var digits = Digits(state);
        var value = 0L;
        for (var role = 0; role < digits.Length; role++)
        {
            value += (long)digits[role] * question.Value[role];
        }

        return value;
    }

    /// <summary>The combinations that fit on a node, within its own caps.</summary>
    private (int[] Vectors, int[] Stranded) Node(int place)
    {
        if (!_nodes.TryGetValue(place, out var node))
        {
            var vectors = new List<int>();
            Enumerate(place, 0, new int[_most.Length], vectors);
            var position = _reach.Topology.Order[place];
            _nodes[place] = node = ([.. vectors], [.. vectors.Select(v => v == 0 ? 0 : _reach.Problem.Capacity.Stranded(position, Digits(v)))]);
        }

        return node;
    }

    private void Enumerate(int place, int role, int[] members, List<int> vectors)
    {
        if (role == members.Length)
        {
            var state = 0;
            for (var r = 0; r < members.Length; r++)
            {
                state += members[r] * _radix[r];
            }

            vectors.Add(state);
            return;
        }

        var room = _reach.Room(role)[place];
        if (room > 0 && members.AsSpan(0, role).ContainsAnyExcept(0))
        {
            room = _reach.Problem.Capacity.Room(_reach.Topology.Order[place], role, members);
        }

        room = Math.Min(Math.Min(room, _most[role]), _reach.Allowance(role, NetworkTopology.NodeLevel, place));
        for (members[role] = 0; members[role] <= room; members[role]++)
        {
            Enumerate(place, role + 1, members, vectors);
        }

        members[role] = 0;
    }

    private long CostOf(int place, int index, (int[] Vectors, int[] Stranded) node) =>
        node.Vectors[index] == 0 ? 0 : (_reach.FixedSum(NetworkTopology.NodeLevel)[place] > 0 ? 0 : _weights.Node) + (_weights.Stranded * node.Stranded[index]);

    private long[] NodeAlone(int place)
    {
        var table = Empty();
        var node = Node(place);
        for (var i = 0; i < node.Vectors.Length; i++)
        {
            table[node.Vectors[i]] = CostOf(place, i, node);
        }

        return table;
    }

    private long[] Empty()
    {
        var table = new long[_states];
        Array.Fill(table, TreeWeights.Never);
        return table;
    }

    private long[]? Build(int level, int domain)
    {
        if (_limit.IsOver)
        {
            return null;
        }

        if (level > 1)
        {
            var node = _reach.Topology.Domains(level)[domain];
            for (var child = node.FirstChild; child < node.FirstChild + node.Children; child++)
            {
                if (!_reach.IsIdle(level - 1, child) && Build(level - 1, child) is null)
                {
                    return null;
                }
            }
        }

        var table = Fold(level, domain, null);
        Close(level, domain, table);
        return _tables[level][domain] = table;
    }

    private long[] Fold(int level, int domain, List<(int Child, long[] Before)>? steps)
    {
        var node = _reach.Topology.Domains(level)[domain];
        var (first, count) = level == 1 ? (node.First, node.Count) : (node.FirstChild, node.Children);
        var table = Empty();
        table[0] = 0;
        for (var child = first; child < first + count; child++)
        {
            if (_reach.IsIdle(level - 1, child))
            {
                continue;
            }

            var next = Empty();
            if (level == 1)
            {
                var inside = Node(child);
                for (var i = 0; i < inside.Vectors.Length; i++)
                {
                    Relax(next, table, inside.Vectors[i], CostOf(child, i, inside));
                }
            }
            else
            {
                var inside = _tables[level - 1][child]!;
                for (var state = 0; state < _states; state++)
                {
                    if (inside[state] < TreeWeights.Never)
                    {
                        Relax(next, table, state, inside[state]);
                    }
                }
            }

            steps?.Add((child, table));
            table = next;
        }

        return table;
    }

    /// <summary>next[a + b] = min(next[a + b], table[a] + cost) for the states a that b can be added to.</summary>
    private void Relax(long[] next, long[] table, int b, long cost)
    {
        var more = Digits(b);
        var roles = _most.Length;
        for (var a = 0; a < _states - b; a++)
        {
            if (table[a] >= TreeWeights.Never)
            {
                continue;
            }

            var fits = true;
            for (var role = 0; role < roles; role++)
            {
                fits &= _digits[(a * roles) + role] + more[role] <= _most[role];
            }

            if (fits && table[a] + cost < next[a + b])
            {
                next[a + b] = table[a] + cost;
            }
        }
    }

    private void Close(int level, int domain, long[] table)
    {
        for (var role = 0; role < _most.Length; role++)
        {
            var allowed = _reach.Allowance(role, level, domain);
            for (var state = 0; allowed < _most[role] && state < _states; state++)
            {
                if (Digits(state)[role] > allowed)
                {
                    table[state] = TreeWeights.Never;
                }
            }
        }

        if (_weights.Open(level) is > 0 and var cost && _reach.FixedSum(level)[domain] == 0)
        {
            for (var state = 1; state < _states; state++)
            {
                table[state] = Math.Min(TreeWeights.Never, table[state] + cost);
            }
        }
    }

    private int[][] Extract(int level, int domain, int state)
    {
        var added = new int[_most.Length][];
        for (var role = 0; role < added.Length; role++)
        {
            added[role] = new int[_reach.Topology.Order.Length];
        }

        Trace(level, domain, state, added);
        return added;
    }

    private void Trace(int level, int domain, int state, int[][] added)
    {
        if (level == NetworkTopology.NodeLevel)
        {
            for (var role = 0; role < added.Length; role++)
            {
                added[role][domain] = Digits(state)[role];
            }

            return;
        }

        var steps = new List<(int Child, long[] Before)>();
        var after = Fold(level, domain, steps);
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            var (child, before) = steps[i];
            var inside = level == 1 ? NodeAlone(child) : _tables[level - 1][child]!;
            var part = Undo(before, inside, after[state], state);
            Trace(level - 1, child, part, added);
            state -= part;
            after = before;
        }
    }

    private int Undo(long[] before, long[] inside, long cost, int state)
    {
        for (var part = 0; part <= state; part++)
        {
            if (inside[part] < TreeWeights.Never && before[state - part] < TreeWeights.Never && inside[part] + before[state - part] == cost && Fits(part, state))
            {
                return part;
            }
        }

        throw new InvalidOperationException("a cost of the tree's tables has no origin");
    }

    private bool Fits(int part, int state)
    {
        for (var role = 0; role < _most.Length; role++)
        {
            if (Digits(part)[role] > Digits(state)[role])
            {
                return false;
            }
        }

        return true;
    }
}
