using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Tests;

/// <summary>Tries every placement of a gang of several roles.</summary>
internal sealed class RoleOracle
{
    private readonly GangProblem _problem;
    private readonly NetworkTopology _topology;
    private readonly int[][] _fixed; // by role and position
    private readonly int _outermost;
    private readonly int _innermost;
    private readonly List<int[][]> _allowed = [];

    public RoleOracle(GangProblem problem)
    {
        _problem = problem;
        _topology = problem.Topology;
        _fixed = [.. problem.Roles.Select(_ => new int[_topology.Positions])];
        foreach (var slot in problem.Fixed)
        {
            _fixed[slot.Role][slot.Position] += slot.Members;
        }

        _outermost = problem.RequiredLevel ?? _topology.ClusterLevel;
        _innermost = Math.Min(problem.PreferredLevel ?? 0, _outermost);
        Enumerate(0, [.. problem.Roles.Select(_ => new int[_topology.Positions])]);
        Search();
    }

    /// <summary>True when there is a placement with at least the least of every role.</summary>
    public bool IsPossible { get; private set; }

    /// <summary>The fewest members that have to be left out.</summary>
    public int Missing { get; private set; } = int.MaxValue;

    /// <summary>GPUs placed by the best, a member without GPUs counted as one.</summary>
    public long Worth { get; private set; }

    /// <summary>Level of the common domain of the best.</summary>
    public int Level { get; private set; }

    /// <summary>What the best uses in each of the common domains that are equally good, by level, outermost first.</summary>
    public Dictionary<int, long[]> Best { get; } = [];

    /// <summary>Judges a placement: null when it is not allowed.</summary>
    public (long Worth, int Level, int Domain, long[] Inside)? Judge(int[][] added)
    {
        if (!IsAllowed(added) || !IsEnough(added))
        {
            return null;
        }

        var domain = Common(added, out var level);
        return (WorthOf(added), level, domain, Inside(added, level, domain));
    }

    private void Search()
    {
        foreach (var added in _allowed)
        {
            Missing = Math.Min(Missing, _problem.Roles.Select((r, i) => Math.Max(0, r.Min - added[i].Sum() - _fixed[i].Sum())).Sum());
        }

        var enough = _allowed.Where(IsEnough).ToList();
        IsPossible = enough.Count > 0;
        if (!IsPossible)
        {
            return;
        }

        Worth = enough.Max(WorthOf);
        enough.RemoveAll(a => WorthOf(a) < Worth);
        if (Worth == 0)
        {
            return;
        }

        Level = enough.Min(a => { Common(a, out var level); return level; });
        var byDomain = enough.Select(a => (Added: a, Domain: Common(a, out var level), Level: level)).Where(a => a.Level == Level)
            .GroupBy(a => a.Domain).Select(g => (Domain: g.Key, Inside: g.Select(a => Inside(a.Added, Level, g.Key)).Order(Lexicographic).First())).ToList();
        var fewest = byDomain.Min(d => First(d.Inside));
        var hungriest = Enumerable.Range(0, _problem.Roles.Length).MaxBy(r => _problem.Roles[r].Gpus);
        int Room(int domain) => Enumerable.Range(0, _topology.Positions).Where(p => DomainOf(Level, p) == domain).Sum(p => _problem.Capacity.Room(p, hungriest, []));
        var good = byDomain.Where(d => First(d.Inside) <= fewest + _problem.Objective.Slack).OrderBy(d => Room(d.Domain)).ThenBy(d => First(d.Inside)).ToList();
        foreach (var domain in good.Where(d => Room(d.Domain) == Room(good[0].Domain) && First(d.Inside) == First(good[0].Inside)))
        {
            Best[domain.Domain] = domain.Inside;
        }
    }

    private static long First(long[] inside) => inside.Length > 2 ? inside[0] : 0;

    private static Comparer<long[]> Lexicographic { get; } = Comparer<long[]>.Create(static (a, b) =>
    {
        for (var i = 0; i < a.Length; i++)
        {
            if (a[i] != b[i])
            {
                return a[i].CompareTo(b[i]);
            }
        }

        return 0;
    });

    private void Enumerate(int index, int[][] added)
    {
        var positions = _topology.Positions;
        if (index == positions * added.Length)
        {
            if (IsAllowed(added))
            {
                _allowed.Add([.. added.Select(a => (int[])[.. a])]);
            }

            return;
        }

        var (position, role) = (index / added.Length, index % added.Length);
        var beside = added.Select(a => a[position]).ToArray();
        beside[role] = 0;
        var room = Math.Max(0, Math.Min(_problem.Capacity.Room(position, role, beside), _problem.Roles[role].Max - _fixed[role].Sum() - added[role].Sum()));
        for (var members = 0; members <= room; members++)
        {
            added[role][position] = members;
            Enumerate(index + 1, added);
        }

        added[role][position] = 0;
    }

    private bool IsEnough(int[][] added) => !_problem.Roles.Where((r, i) => added[i].Sum() + _fixed[i].Sum() < r.Min).Any();

    private bool IsAllowed(int[][] added)
    {
        if (added.All(a => a.Sum() == 0))
        {
            return true;
        }

        if (Common(added, out _) < 0)
        {
            return false;
        }

        for (var role = 0; role < added.Length; role++)
        {
            if (_problem.Roles[role].Spread is { } spread
                && Enumerable.Range(0, _topology.Positions).GroupBy(p => DomainOf(spread.Level, p)).Any(g => g.Sum(p => added[role][p] + _fixed[role][p]) > spread.Members))
            {
                return false;
            }
        }

        return true;
    }

    private long WorthOf(int[][] added) => added.Select((a, role) => (long)a.Sum() * Math.Max(1, _problem.Roles[role].Gpus)).Sum();

    private int DomainOf(int level, int position) => level == 0 ? position : _topology.DomainOf(level, position);

    private List<int> Used(int[][] added) => [.. Enumerable.Range(0, _topology.Positions).Where(p => added.Any(a => a[p] > 0) || _fixed.Any(f => f[p] > 0))];

    private int Common(int[][] added, out int level)
    {
        var used = Used(added);
        for (level = _innermost; level <= _outermost; level++)
        {
            var on = level;
            var domains = used.Select(p => DomainOf(on, p)).Distinct().ToList();
            if (domains.Count == 1)
            {
                return domains[0];
            }
        }

        return -1;
    }

    /// <summary>Domains used inside, outermost first, then stranding and nodes.</summary>
    private long[] Inside(int[][] added, int level, int domain)
    {
        var inside = Enumerable.Range(0, _topology.Positions).Where(p => DomainOf(level, p) == domain).ToList();
        var used = Used(added);
        var result = new List<long>();
        for (var l = level - 1; l >= 1; l--)
        {
            if (inside.Any(p => _topology.Domains(l)[DomainOf(l, p)].IsNamed))
            {
                result.Add(used.Select(p => DomainOf(l, p)).Distinct().Count());
            }
        }

        var stranded = (long)Enumerable.Range(0, _topology.Positions).Where(p => added.Any(a => a[p] > 0)).Sum(p => _problem.Capacity.Stranded(p, [.. added.Select(a => a[p])]));
        return [.. result, stranded, used.Count];
    }
}
