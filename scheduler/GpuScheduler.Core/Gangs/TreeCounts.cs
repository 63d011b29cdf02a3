using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// The fewest domains on every level, outer levels first, for gangs without segments: the other way round than
/// <see cref="TreeTables"/>, the most members that so many domains can hold. Exact, and much smaller than tables by members; it says all
/// there is to say where each node takes one member at one price (whole nodes).
/// </summary>
internal sealed class TreeCounts
{
    /// <summary>More states than this are not worth it.</summary>
    private const int MostStates = 1 << 14;

    private readonly TreeGreedy _greedy = new();
    private readonly List<Option> _options = [];
    private int[] _stride = [];
    private int[] _held = new int[1 << 10];
    private long[] _sorted = new long[64]; // room, largest first, and domain
    private Range[][] _ranges = [];
    private int _top;
    private TreeReach _reach = null!;
    private int _states;
    private int _innermost;

    /// <summary>Puts so many members, fixed ones not counted, into a domain. False when there would be too many states; nothing is done then.</summary>
    /// <param name="reach">The problem, added up.</param>
    /// <param name="level">Level of the domain.</param>
    /// <param name="domain">The domain; it has room for the members.</param>
    /// <param name="members">How many.</param>
    /// <param name="added">By place: comes in as a good placement, which bounds the search, and goes out as the best.</param>
    public bool Improve(TreeReach reach, int level, int domain, int members, Span<int> added)
    {
        _reach = reach;
        var named = reach.Topology.Domains(level)[domain].NamedInside;
        if (named == 0)
        {
            return true; // nothing is counted
        }

        _innermost = int.TrailingZeroCount(named);
        if (!TryStride(level, domain, named, added))
        {
            return false;
        }

        _options.Clear();
        _top = 0;
        if (_ranges.Length <= level)
        {
            Array.Resize(ref _ranges, level + 1);
        }

        for (var l = 1; l <= level; l++)
        {
            if (_ranges[l] is null || _ranges[l].Length < reach.Topology.Domains(l).Length)
            {
                _ranges[l] = new Range[reach.Topology.Domains(l).Length];
            }
        }

        var node = reach.Topology.Domains(level)[domain];
        added.Slice(node.First, node.Count).Clear();
        BuildInside(level, domain);
        var keep = _top;
        var last = Fold(level, domain);
        var price = 0;
        while (_held[last + price] < members)
        {
            price++;
        }

        _top = keep;
        Trace(level, domain, price, members, added);
        return true;
    }

    private bool TryStride(int level, int domain, int named, ReadOnlySpan<int> added)
    {
        if (_stride.Length <= level)
        {
            _stride = new int[level + 1];
        }

        Array.Clear(_stride);
        var states = 1L;
        var best = 0L;
        for (var l = 1; l < level; l++)
        {
            if ((named & (1 << l)) != 0)
            {
                _stride[l] = (int)states;
                var used = CountUsed(l, level, domain, added);
                best += used * states;
                states *= used + 1L;
                if (states > MostStates)
                {
                    return false;
                }
            }
        }

        _states = (int)best + 1;
        return true;
    }

    /// <summary>Domains of a level that a placement opens; those with fixed members are open already.</summary>
    private int CountUsed(int level, int outer, int domain, ReadOnlySpan<int> added)
    {
        var node = _reach.Topology.Domains(outer)[domain];
        var domains = _reach.Topology.DomainsByPlace(level);
        var held = _reach.FixedSum(level);
        var last = -1;
        var used = 0;
        for (var place = node.First; place < node.End; place++)
        {
            if (added[place] > 0 && domains[place] != last)
            {
                last = domains[place];
                used += held[last] == 0 ? 1 : 0;
            }
        }

        return used;
    }

    private void BuildInside(int level, int domain)
    {
        var node = _reach.Topology.Domains(level)[domain];
        for (var child = node.FirstChild; child < node.FirstChild + node.Children; child++)
        {
            Build(level - 1, child);
        }
    }

    /// <summary>Lists what a domain can hold at which price, dearer ones only where they hold more.</summary>
    private void Build(int level, int domain)
    {
        var held = _reach.FixedSum(level)[domain];
        var room = _reach.Most(level)[domain] - held;
        var open = held > 0 ? 0 : _stride[level];
        if (room <= 0)
        {
            _ranges[level][domain] = new Range(_options.Count, 0);
            return;
        }

        if (level <= _innermost)
        {
            _ranges[level][domain] = new Range(_options.Count, 1);
            _options.Add(new Option(open, room));
            return;
        }

        BuildInside(level, domain);
        var keep = _top;
        var last = Fold(level, domain);
        var first = _options.Count;
        var most = 0;
        for (var price = 0; price + open < _states && most < room; price++)
        {
            var holds = Math.Min(_held[last + price], room);
            if (holds > most)
            {
                most = holds;
                _options.Add(new Option(price + open, holds));
            }
        }

        _ranges[level][domain] = new Range(first, _options.Count - first);
        _top = keep;
    }

    /// <summary>The most that the domains inside hold together, by price; as many rows as domains, and the place of the last is returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Fold(int level, int domain)
    {
        var node = _reach.Topology.Domains(level)[domain];
        var row = Reserve(_states);
        Array.Clear(_held, row, _states);
        if (level - 1 == _innermost && _reach.FixedMembers == 0)
        {
            // Each costs one: the largest first.
            var count = SortByRoom(level, node.FirstChild, node.Children);
            var sum = 0;
            for (var price = 1; price < _states; price++)
            {
                sum += price <= count ? RoomAt(price - 1) : 0;
                _held[row + price] = sum;
            }

            return row;
        }

        for (var child = node.FirstChild; child < node.FirstChild + node.Children; child++)
        {
            var options = Options(level - 1, child);
            var next = Reserve(_states);
            var before = _held.AsSpan(row, _states);
            var after = _held.AsSpan(next, _states);
            before.CopyTo(after);
            foreach (var option in options)
            {
                Raise(after[option.Price..], before, option.Holds);
            }

            row = next;
        }

        return row;
    }

    /// <summary>after = max(after, before + holds), as far as after goes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Raise(Span<int> after, ReadOnlySpan<int> before, int holds)
    {
        var i = 0;
        if (after.Length >= Vector<int>.Count)
        {
            var more = new Vector<int>(holds);
            for (; i <= after.Length - Vector<int>.Count; i += Vector<int>.Count)
            {
                Vector.Max(new Vector<int>(after[i..]), new Vector<int>(before[i..]) + more).CopyTo(after[i..]);
            }
        }

        for (; i < after.Length; i++)
        {
            after[i] = Math.Max(after[i], before[i] + holds);
        }
    }

    private ReadOnlySpan<Option> Options(int level, int domain)
    {
        var range = _ranges[level][domain];
        return CollectionsMarshal.AsSpan(_options).Slice(range.First, range.Count);
    }

    /// <summary>Sorts the domains inside by room, the largest first; those without room are left out.</summary>
    private int SortByRoom(int level, int first, int count)
    {
        if (_sorted.Length < count)
        {
            _sorted = new long[count * 2];
        }

        var most = _reach.Most(level - 1);
        var used = 0;
        for (var child = first; child < first + count; child++)
        {
            if (most[child] > 0)
            {
                _sorted[used++] = ((long)-most[child] << 32) + child;
            }
        }

        _sorted.AsSpan(0, used).Sort();
        return used;
    }

    private int RoomAt(int rank) => (int)-(_sorted[rank] >> 32);

    private int DomainAt(int rank) => (int)(_sorted[rank] & uint.MaxValue);

    /// <summary>Puts members into a domain at a price that suffices for them.</summary>
    private void Trace(int level, int domain, int price, int members, Span<int> added)
    {
        if (members == 0)
        {
            return;
        }

        var node = _reach.Topology.Domains(level)[domain];
        if (level <= _innermost)
        {
            FillLeaf(level, domain, members, added);
            return;
        }

        if (level - 1 == _innermost && _reach.FixedMembers == 0)
        {
            TraceSorted(level, node, price, members, added);
            return;
        }

        var keep = _top;
        Fold(level, domain);
        var chosen = new List<(int Child, Option Option)>();
        for (var i = node.Children - 1; i >= 0; i--)
        {
            var before = keep + (i * _states);
            var after = before + _states;
            var child = node.FirstChild + i;
            foreach (var option in Options(level - 1, child))
            {
                if (option.Price <= price && _held[after + price] != _held[before + price] && _held[before + price - option.Price] + option.Holds == _held[after + price])
                {
                    chosen.Add((child, option));
                    price -= option.Price;
                    break;
                }
            }
        }

        _top = keep;

        // What is too much is taken from the smallest.
        chosen.Sort(static (a, b) => b.Option.Holds.CompareTo(a.Option.Holds));
        foreach (var (child, option) in chosen)
        {
            var taken = Math.Min(option.Holds, members);
            var inside = option.Price - (_reach.FixedSum(level - 1)[child] > 0 ? 0 : _stride[level - 1]);
            Trace(level - 1, child, inside, taken, added);
            members -= taken;
        }
    }

    private void TraceSorted(int level, in NetworkDomain node, int domains, int members, Span<int> added)
    {
        var count = SortByRoom(level, node.FirstChild, node.Children);
        for (var i = 0; i < Math.Min(domains, count) && members > 0; i++)
        {
            var pick = i;
            if (RoomAt(i) >= members)
            {
                // The last one: of those that would do, the smallest.
                while (pick + 1 < count && RoomAt(pick + 1) >= members)
                {
                    pick++;
                }
            }

            var taken = Math.Min(RoomAt(pick), members);
            FillLeaf(level - 1, DomainAt(pick), taken, added);
            members -= taken;
        }
    }

    private void FillLeaf(int level, int domain, int members, Span<int> added)
    {
        if (_reach.Shape.SpreadLevel > NetworkTopology.NodeLevel && _reach.Shape.SpreadLevel < level)
        {
            _greedy.Fill(_reach, level, domain, members, added);
            return;
        }

        var node = _reach.Topology.Domains(level)[domain];
        var most = _reach.Most(NetworkTopology.NodeLevel);
        var held = _reach.Fixed;
        for (var place = node.First; place < node.End && members > 0; place++)
        {
            added[place] = Math.Clamp(most[place] - held[place], 0, members);
            members -= added[place];
        }
    }

    private int Reserve(int count)
    {
        var at = _top;
        _top += count;
        if (_top > _held.Length)
        {
            Array.Resize(ref _held, _top * 2);
        }

        return at;
    }

    private readonly record struct Option(int Price, int Holds);

    private readonly record struct Range(int First, int Count);
}
