using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// The cheapest way to put every number of members below every domain, by (min,+)-convolution from the nodes outwards. Exact for
/// segments, caps, fixed members and any cost of a node. Memory is kept for the next problem.
/// </summary>
/// <remarks>
/// A table of a domain has a cost for each total in it, fixed members included: in members below the segment level, from it on outwards
/// in whole segments, twice: without and with the smaller segment. A total of q segments with the smaller one is reached from inside by
/// exactly one domain that has it.
/// </remarks>
internal sealed class TreeTables
{
    private readonly TreeWeights _weights = new();
    private long[] _values = new long[1 << 12];
    private Table[][] _tables = [];
    private int[] _stranded = [];
    private int[] _strandedAt = [];
    private int _top;
    private TreeReach _reach = null!;
    private GangShape _shape;
    private int _members;
    private SolveLimit _limit = null!;

    /// <summary>The criteria of the last domain.</summary>
    public TreeWeights Weights => _weights;

    /// <summary>True when the limit ended the last computation; its result is then no answer.</summary>
    public bool Ended { get; private set; }

    /// <summary>The least cost of so many members, fixed ones included, in one domain; <see cref="TreeWeights.Never"/> or more when it cannot be.</summary>
    public long Solve(GangProblem problem, TreeReach reach, int level, int domain, int members, SolveLimit limit)
    {
        _reach = reach;
        _shape = reach.Shape;
        _members = members;
        _limit = limit;
        Ended = false;
        _top = 0;
        FillStranded(problem, level, domain, out var mostStranded);
        _weights.Fill(reach.Topology, level, domain, members - reach.FixedMembers, mostStranded, problem.Objective);
        if (_tables.Length <= reach.Topology.ClusterLevel)
        {
            Array.Resize(ref _tables, reach.Topology.ClusterLevel + 1);
        }

        for (var l = 1; l <= level; l++)
        {
            var count = reach.Topology.Domains(l).Length;
            if (_tables[l] is null || _tables[l].Length < count)
            {
                _tables[l] = new Table[count];
            }
        }

        var table = level == NetworkTopology.NodeLevel ? NodeTable(domain) : Build(level, domain);
        if (Ended)
        {
            return TreeWeights.Never;
        }

        Target(level, members, out var withRest, out var total);
        return table.Get(_values, withRest, total);
    }

    /// <summary>Reads how many members each node gets beside its fixed ones, for the last solved domain and total.</summary>
    public void Extract(int level, int domain, Span<int> addedByPlace)
    {
        Target(level, _members, out var withRest, out var total);
        Trace(level, domain, withRest, total, addedByPlace);
    }

    private void Target(int level, int members, out bool withRest, out int total)
    {
        var bySegment = level >= _shape.SegmentLevel;
        withRest = bySegment && _shape.HasRest;
        total = bySegment ? _shape.Segments(members) : members;
    }

    private void FillStranded(GangProblem problem, int level, int domain, out int most)
    {
        var (first, end) = level == NetworkTopology.NodeLevel ? (domain, domain + 1) : (_reach.Topology.Domains(level)[domain].First, _reach.Topology.Domains(level)[domain].End);
        if (_strandedAt.Length < _reach.Topology.Order.Length)
        {
            _strandedAt = new int[_reach.Topology.Order.Length];
        }

        most = 0;
        var used = 0;
        var order = _reach.Topology.Order;
        var rooms = _reach.Room;
        for (var place = first; place < end; place++)
        {
            _strandedAt[place] = used;
            var room = Math.Min(rooms[place], _members);
            if (used + room > _stranded.Length)
            {
                Array.Resize(ref _stranded, Math.Max(1024, 2 * (used + room)));
            }

            for (var members = 1; members <= room; members++)
            {
                var stranded = problem.Capacity.Stranded(order[place], [members]);
                _stranded[used++] = stranded;
                most = Math.Max(most, stranded);
            }
        }
    }

    private Table Build(int level, int domain)
    {
        if (_limit.IsOver)
        {
            Ended = true;
            return default;
        }

        var node = _reach.Topology.Domains(level)[domain];
        if (level > 1)
        {
            for (var child = node.FirstChild; child < node.FirstChild + node.Children; child++)
            {
                if (!IsIdle(level - 1, child))
                {
                    Build(level - 1, child);
                    if (Ended)
                    {
                        return default;
                    }
                }
            }
        }

        var keep = _top;
        var last = Fold(level, domain, null);
        var closed = Close(level, domain, last);
        return _tables[level][domain] = MoveDown(closed, keep);
    }

    /// <summary>True when nothing is and nothing can be below a domain.</summary>
    private bool IsIdle(int level, int domain) => _reach.RoomSum(level)[domain] == 0 && _reach.FixedSum(level)[domain] == 0;

    /// <summary>Combines the tables inside a domain, one after the other. Every step stays in memory and, when asked for, in a list.</summary>
    private Table Fold(int level, int domain, List<(int Child, Table Before)>? steps)
    {
        var node = _reach.Topology.Domains(level)[domain];
        var (first, count) = level == 1 ? (node.First, node.Count) : (node.FirstChild, node.Children);
        var table = Nothing();
        for (var child = first; child < first + count; child++)
        {
            if (IsIdle(level - 1, child))
            {
                continue;
            }

            steps?.Add((child, table));
            table = Combine(table, level == 1 ? NodeTable(child) : _tables[level - 1][child]);
        }

        return table;
    }

    private Table Nothing()
    {
        var at = Reserve(1);
        _values[at] = 0;
        return new Table(new Run(at, 0, 1), default);
    }

    private Table Combine(in Table a, in Table b)
    {
        var most = _members; // more than enough where segments are counted
        var whole = Reserve(a.Whole, b.Whole, most);
        Convolve(whole, a.Whole, b.Whole);
        if (a.Rest.Count == 0 && b.Rest.Count == 0)
        {
            return new Table(whole, default);
        }

        var left = Bounds(a.Whole, b.Rest, most);
        var right = Bounds(a.Rest, b.Whole, most);
        var low = left.Count == 0 ? right.Low : right.Count == 0 ? left.Low : Math.Min(left.Low, right.Low);
        var end = Math.Max(left.Count == 0 ? 0 : left.Low + left.Count, right.Count == 0 ? 0 : right.Low + right.Count);
        var rest = Fresh(low, Math.Max(0, end - low));
        Convolve(rest, a.Whole, b.Rest);
        Convolve(rest, a.Rest, b.Whole);
        return new Table(whole, rest);
    }

    private Run Reserve(in Run a, in Run b, int most)
    {
        var bounds = Bounds(a, b, most);
        return Fresh(bounds.Low, bounds.Count);
    }

    private static (int Low, int Count) Bounds(in Run a, in Run b, int most) =>
        a.Count == 0 || b.Count == 0 ? (0, 0) : (a.Low + b.Low, Math.Max(0, Math.Min(a.Count + b.Count - 1, most - (a.Low + b.Low) + 1)));

    private Run Fresh(int low, int count)
    {
        var at = Reserve(count);
        _values.AsSpan(at, count).Fill(TreeWeights.Never);
        return new Run(at, low, count);
    }

    private void Convolve(in Run into, in Run a, in Run b)
    {
        if (a.Count == 0 || b.Count == 0)
        {
            return;
        }

        var (longer, shorter) = a.Count >= b.Count ? (a, b) : (b, a);
        var values = _values.AsSpan();
        var source = values.Slice(longer.At, longer.Count);
        var target = values.Slice(into.At, into.Count);
        for (var j = 0; j < shorter.Count; j++)
        {
            var cost = values[shorter.At + j];
            var shift = longer.Low + shorter.Low + j - into.Low;
            if (cost < TreeWeights.Never && shift < target.Length)
            {
                Relax(target[shift..], source, cost);
            }
        }
    }

    /// <summary>target = min(target, source + cost), as far as both go.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Relax(Span<long> target, ReadOnlySpan<long> source, long cost)
    {
        var length = Math.Min(target.Length, source.Length);
        var i = 0;
        if (length >= Vector<long>.Count)
        {
            var costs = new Vector<long>(cost);
            for (; i <= length - Vector<long>.Count; i += Vector<long>.Count)
            {
                Vector.Min(new Vector<long>(target[i..]), new Vector<long>(source[i..]) + costs).CopyTo(target[i..]);
            }
        }

        for (; i < length; i++)
        {
            target[i] = Math.Min(target[i], source[i] + cost);
        }
    }

    private Table NodeTable(int place)
    {
        var room = _reach.Room[place];
        var held = _reach.Fixed[place];
        var whole = Fresh(held, Math.Max(0, Math.Min(room, _members - held) + 1));
        for (var added = 0; added < whole.Count; added++)
        {
            _values[whole.At + added] = added == 0 ? 0 : (held > 0 ? 0 : _weights.Node) + (_weights.Stranded * _stranded[_strandedAt[place] + added - 1]);
        }

        return Close(NetworkTopology.NodeLevel, place, new Table(whole, default));
    }

    /// <summary>Adds what using the domain costs, and takes away what its own cap and segments forbid.</summary>
    private Table Close(int level, int domain, Table table)
    {
        var cap = _shape.CapOf(level);
        if (cap != GangShape.NoCap)
        {
            table = level < _shape.SegmentLevel || _shape.Segment == 1 || level == _shape.SegmentLevel
                ? new Table(table.Whole.UpTo(cap), table.Rest)
                : new Table(table.Whole.UpTo(cap / _shape.Segment), table.Rest.UpTo(GangShape.FloorDivide(cap - _shape.Rest, _shape.Segment)));
        }

        if (level == _shape.SegmentLevel && _shape.Segment > 1)
        {
            table = new Table(EverySegment(table.Whole, 0), _shape.HasRest ? EverySegment(table.Whole, _shape.Rest) : default);
        }

        if (level > NetworkTopology.NodeLevel && _weights.Open(level) is > 0 and var cost && _reach.FixedSum(level)[domain] == 0)
        {
            Raise(table.Whole, cost, exceptNothing: true);
            Raise(table.Rest, cost, exceptNothing: false);
        }

        return table;
    }

    private Run EverySegment(in Run members, int rest)
    {
        var low = members.Low <= rest ? 0 : (members.Low - rest + _shape.Segment - 1) / _shape.Segment;
        var high = GangShape.FloorDivide(members.Low + members.Count - 1 - rest, _shape.Segment);
        var run = Fresh(low, members.Count == 0 ? 0 : Math.Max(0, high - low + 1));
        for (var i = 0; i < run.Count; i++)
        {
            _values[run.At + i] = _values[members.At + ((low + i) * _shape.Segment) + rest - members.Low];
        }

        return run;
    }

    private void Raise(in Run run, long cost, bool exceptNothing)
    {
        for (var i = exceptNothing && run.Low == 0 ? 1 : 0; i < run.Count; i++)
        {
            ref var value = ref _values[run.At + i];
            value = Math.Min(TreeWeights.Never, value + cost);
        }
    }

    private void Trace(int level, int domain, bool withRest, int total, Span<int> added)
    {
        if (level == NetworkTopology.NodeLevel)
        {
            var members = level < _shape.SegmentLevel ? total : (total * _shape.Segment) + (withRest ? _shape.Rest : 0);
            added[domain] = members - _reach.Fixed[domain];
            return;
        }

        if (level == _shape.SegmentLevel)
        {
            // Inside, members are counted.
            total = (total * _shape.Segment) + (withRest ? _shape.Rest : 0);
            withRest = false;
        }

        var keep = _top;
        var steps = new List<(int Child, Table Before)>();
        var after = Fold(level, domain, steps);
        var chosen = new List<(int Child, bool WithRest, int Total)>();
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            var (child, before) = steps[i];
            var inside = level == 1 ? NodeTable(child) : _tables[level - 1][child];
            var pick = Undo(before, inside, after.Get(_values, withRest, total), withRest, total);
            chosen.Add((child, pick.WithRest, pick.Total));
            total -= pick.Total;
            withRest &= !pick.WithRest;
            after = before;
        }

        _top = keep;
        foreach (var (child, rest, inChild) in chosen)
        {
            Trace(level - 1, child, rest, inChild, added);
        }
    }

    /// <summary>The part of a total that lies in the child which was combined last.</summary>
    private (bool WithRest, int Total) Undo(in Table before, in Table inside, long cost, bool withRest, int total)
    {
        for (var restInside = withRest ? 1 : 0; restInside >= 0; restInside--)
        {
            var run = restInside == 1 ? inside.Rest : inside.Whole;
            for (var i = 0; i < run.Count; i++)
            {
                var value = _values[run.At + i];
                if (value < TreeWeights.Never && before.Get(_values, withRest && restInside == 0, total - run.Low - i) is < TreeWeights.Never and var rest && value + rest == cost)
                {
                    return (restInside == 1, run.Low + i);
                }
            }
        }

        throw new InvalidOperationException("a cost of the tree's tables has no origin");
    }

    private Table MoveDown(in Table table, int to)
    {
        _values.AsSpan(table.Whole.At, table.Whole.Count).CopyTo(_values.AsSpan(to));
        var rest = to + table.Whole.Count;
        var whole = table.Whole with { At = to };
        if (table.Rest.Count > 0)
        {
            _values.AsSpan(table.Rest.At, table.Rest.Count).CopyTo(_values.AsSpan(rest));
        }

        _top = rest + table.Rest.Count;
        return new Table(whole, table.Rest with { At = rest });
    }

    private int Reserve(int count)
    {
        var at = _top;
        _top += count;
        if (_top > _values.Length)
        {
            Array.Resize(ref _values, Math.Max(_top, _values.Length * 2));
        }

        return at;
    }

    /// <summary>Costs of consecutive totals.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Run(int At, int Low, int Count)
    {
        public Run UpTo(int most) => this with { Count = Math.Clamp(most - Low + 1, 0, Count) };

        public long Get(long[] values, int total) => (uint)(total - Low) < (uint)Count ? values[At + total - Low] : TreeWeights.Never;
    }

    /// <summary>The costs in a domain: of whole segments, and of whole segments and the smaller one.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Table(Run Whole, Run Rest)
    {
        public long Get(long[] values, bool withRest, int total) => (withRest ? Rest : Whole).Get(values, total);
    }
}
