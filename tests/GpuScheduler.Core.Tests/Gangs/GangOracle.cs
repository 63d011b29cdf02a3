using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Tests.Gangs;

/// <summary>
/// Tries every placement of a gang of one role. Knows the rules from their description only: what is allowed, and which of two
/// placements is better.
/// </summary>
internal sealed class GangOracle
{
    private readonly GangProblem _problem;
    private readonly NetworkTopology _topology;
    private readonly GangRole _role;
    private readonly int[] _fixed;
    private readonly int _fixedSum;
    private readonly int _outermost;
    private readonly int _innermost;
    private readonly List<int[]> _allowed = [];

    public GangOracle(GangProblem problem)
    {
        _problem = problem;
        _topology = problem.Topology;
        _role = problem.Roles[0];
        _fixed = new int[_topology.Positions];
        foreach (var slot in problem.Fixed)
        {
            _fixed[slot.Position] += slot.Members;
        }

        _fixedSum = _fixed.Sum();
        _outermost = problem.RequiredLevel ?? _topology.ClusterLevel;
        _innermost = Math.Min(problem.PreferredLevel ?? 0, _outermost);
        Enumerate(0, new int[_topology.Positions], Math.Max(0, _role.Max - _fixedSum));
    }

    /// <summary>The best placement of each of the domains that are equally good; empty when nothing can be placed.</summary>
    public IReadOnlyList<PlacementValue> Best { get; private set; } = [];

    /// <summary>The most members that may be added; -1 when the gang cannot be.</summary>
    public int Most { get; private set; } = -1;

    /// <summary>The fewest members that have to be left out for the rest to be allowed; all but the fixed ones when nothing is.</summary>
    public int Missing { get; private set; }

    /// <summary>Judges: the values of a placement by which the best is known; null when it is not allowed.</summary>
    public PlacementValue? Judge(int[] added)
    {
        if (!IsAllowed(added, Math.Max(_role.Min, _fixedSum)))
        {
            return null;
        }

        var domain = Common(added, out var level);
        return Values(added, level, domain);
    }

    /// <summary>Whether a placement is the best, ties apart.</summary>
    public void Search()
    {
        var least = Least();
        Missing = least - _fixedSum;
        var allowed = _allowed.Where(a => a.Sum() + _fixedSum >= least || (a.Sum() == 0 && _fixedSum >= _role.Min)).ToList();
        foreach (var part in _allowed)
        {
            Missing = Math.Min(Missing, Math.Max(0, least - part.Sum() - _fixedSum));
        }

        if (allowed.Count == 0)
        {
            return;
        }

        Most = allowed.Max(a => a.Sum());
        allowed.RemoveAll(a => a.Sum() < Most);
        if (Most == 0)
        {
            return;
        }

        var level = allowed.Min(a => { Common(a, out var l); return l; });
        var inDomain = allowed.Select(a => (Added: a, Domain: Common(a, out var l), Level: l)).Where(a => a.Level == level).ToList();
        var byDomain = inDomain.GroupBy(a => a.Domain).Select(g =>
        {
            var best = g.Select(a => Values(a.Added, level, g.Key)).Order(Comparer).First();
            return best;
        }).ToList();
        var fewest = byDomain.Min(v => v.First);
        var good = byDomain.Where(v => v.First <= fewest + _problem.Objective.Slack).OrderBy(v => v.Room).ThenBy(v => v.First).ToList();
        Best = [.. good.Where(v => v.Room == good[0].Room && v.First == good[0].First)];
    }

    private static Comparer<PlacementValue> Comparer { get; } = Comparer<PlacementValue>.Create((a, b) =>
    {
        for (var i = 0; i < a.Inside.Length; i++)
        {
            if (a.Inside[i] != b.Inside[i])
            {
                return a.Inside[i].CompareTo(b.Inside[i]);
            }
        }

        return 0;
    });

    /// <summary>The least size: whole segments, and the smaller one of the largest size.</summary>
    public int Least()
    {
        var least = Math.Max(_role.Min, _fixedSum);
        if (_fixedSum >= _role.Max)
        {
            return _fixedSum;
        }

        while (_role.Segment is { } segment && least % segment.Members != _role.Max % segment.Members)
        {
            least++;
        }

        return least;
    }

    private void Enumerate(int position, int[] added, int left)
    {
        if (position == added.Length)
        {
            if (IsAllowed(added, 0))
            {
                _allowed.Add([.. added]);
            }

            return;
        }

        var room = _problem.Capacity.Room(position, 0, []);
        for (var members = 0; members <= Math.Min(room, left); members++)
        {
            added[position] = members;
            Enumerate(position + 1, added, left - members);
        }

        added[position] = 0;
    }

    private bool IsAllowed(int[] added, int least)
    {
        var total = added.Sum() + _fixedSum;
        if (added.Sum() == 0 && _fixedSum >= Math.Max(_role.Min, least))
        {
            return true; // what is bound is bound
        }

        if (total < least || added.Where((n, i) => n > _problem.Capacity.Room(i, 0, [])).Any())
        {
            return false;
        }

        if (total > _role.Max && added.Sum() > 0)
        {
            return false;
        }

        if (total == 0)
        {
            return true;
        }

        if (!Enumerable.Range(0, Domains(_outermost)).Any(d => Held(added, _outermost, d) == total))
        {
            return false;
        }

        if (_role.Segment is { Members: > 1 } segment)
        {
            var rest = _role.Max % segment.Members;
            if (total % segment.Members != rest)
            {
                return false;
            }

            var partial = Enumerable.Range(0, Domains(segment.Level)).Select(d => Held(added, segment.Level, d) % segment.Members).Where(r => r != 0).ToList();
            if (rest == 0 ? partial.Count > 0 : partial.Count != 1 || partial[0] != rest)
            {
                return false;
            }
        }

        return _role.Spread is not { } spread || Enumerable.Range(0, Domains(spread.Level)).All(d => Held(added, spread.Level, d) <= spread.Members);
    }

    private int Domains(int level) => level == 0 ? _topology.Positions : _topology.Domains(level).Length;

    private int DomainOf(int level, int position) => level == 0 ? position : _topology.DomainOf(level, position);

    private int Held(int[] added, int level, int domain)
    {
        var held = 0;
        for (var i = 0; i < added.Length; i++)
        {
            held += DomainOf(level, i) == domain ? added[i] + _fixed[i] : 0;
        }

        return held;
    }

    private int Common(int[] added, out int level)
    {
        var total = added.Sum() + _fixedSum;
        for (level = _innermost; level <= _outermost; level++)
        {
            for (var domain = 0; domain < Domains(level); domain++)
            {
                if (Held(added, level, domain) == total)
                {
                    return domain;
                }
            }
        }

        return -1; // fixed members that lie apart
    }

    private PlacementValue Values(int[] added, int level, int domain)
    {
        var inside = Enumerable.Range(0, added.Length).Where(i => DomainOf(level, i) == domain).ToList();
        var room = inside.Sum(i => _problem.Capacity.Room(i, 0, []));
        var used = Enumerable.Range(0, added.Length).Where(i => added[i] + _fixed[i] > 0).ToList();
        var rest = new List<long>();
        for (var l = level - 1; l >= 1; l--)
        {
            // A level counts where some node inside says where it is.
            if (inside.Any(i => _topology.Domains(l)[DomainOf(l, i)].IsNamed))
            {
                rest.Add(used.Select(i => DomainOf(l, i)).Distinct().Count());
            }
        }

        var first = rest.Count == 0 ? 0 : (int)rest[0];
        var stranded = (long)added.Select((n, i) => n == 0 ? 0 : _problem.Capacity.Stranded(i, [n])).Sum();
        long[] last = _problem.Objective.NodesBeforeStranding ? [used.Count, stranded] : [stranded, used.Count];
        return new PlacementValue(added.Sum() + _fixedSum, level, domain, room, first, [.. rest, .. last]);
    }
}
