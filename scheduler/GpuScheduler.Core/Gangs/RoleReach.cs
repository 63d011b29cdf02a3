using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>A gang of several roles, added up by domain.</summary>
internal sealed class RoleReach
{
    private readonly int[][] _rooms;      // by role and place
    private readonly int[][][] _roomSums; // by role, level and domain
    private readonly int[][] _fixed;      // by role and place
    private readonly int[][] _fixedSums;  // by level and domain, all roles
    private readonly int[][][] _held;     // by role, level and domain

    public RoleReach(GangProblem problem)
    {
        Problem = problem;
        var topology = problem.Topology;
        var nodes = topology.Order.Length;
        var byPosition = new int[topology.Positions];
        _rooms = new int[problem.Roles.Length][];
        _fixed = new int[problem.Roles.Length][];
        FixedByRole = new int[problem.Roles.Length];
        for (var role = 0; role < _rooms.Length; role++)
        {
            problem.Capacity.Rooms(role, byPosition);
            _rooms[role] = new int[nodes];
            _fixed[role] = new int[nodes];
            for (var place = 0; place < nodes; place++)
            {
                _rooms[role][place] = byPosition[topology.Order[place]];
            }
        }

        foreach (var slot in problem.Fixed)
        {
            _fixed[slot.Role][topology.PlaceOf(slot.Position)] += slot.Members;
            FixedByRole[slot.Role] += slot.Members;
            FixedMembers += slot.Members;
        }

        var fixedByPlace = new int[nodes];
        foreach (var held in _fixed)
        {
            for (var place = 0; place < nodes; place++)
            {
                fixedByPlace[place] += held[place];
            }
        }

        _roomSums = [.. _rooms.Select(r => Sums(topology, r))];
        _held = [.. _fixed.Select(f => Sums(topology, f))];
        _fixedSums = Sums(topology, fixedByPlace);
    }

    public GangProblem Problem { get; }

    public NetworkTopology Topology => Problem.Topology;

    public int Roles => _rooms.Length;

    /// <summary>Number of fixed members.</summary>
    public int FixedMembers { get; }

    /// <summary>Number of fixed members by role.</summary>
    public int[] FixedByRole { get; }

    /// <summary>Members of a role that there is room for beside nobody, by place.</summary>
    public ReadOnlySpan<int> Room(int role) => _rooms[role];

    /// <summary>The same summed up by domain of a level.</summary>
    public ReadOnlySpan<int> RoomSum(int role, int level) => _roomSums[role][level];

    /// <summary>Fixed members of all roles by domain of a level.</summary>
    public ReadOnlySpan<int> FixedSum(int level) => _fixedSums[level];

    /// <summary>Fixed members of a role by domain of a level.</summary>
    public ReadOnlySpan<int> Held(int role, int level) => _held[role][level];

    /// <summary>Members of a role that may be added to a domain before its own cap is reached.</summary>
    public int Allowance(int role, int level, int domain) =>
        Problem.Roles[role].Spread is { } spread && spread.Level == level ? Math.Max(-1, spread.Members - _held[role][level][domain]) : int.MaxValue;

    /// <summary>Domains of an inner level that fixed members use already; 0 when the level is none.</summary>
    public int OpenInside(int level, int domain, int inner)
    {
        var open = 0;
        if (inner > NetworkTopology.NodeLevel && FixedMembers > 0)
        {
            var first = Topology.FirstInside(level, domain, inner);
            for (var d = first; d < first + Topology.CountInside(level, domain, inner); d++)
            {
                open += _fixedSums[inner][d] > 0 ? 1 : 0;
            }
        }

        return open;
    }

    /// <summary>True when nothing is and nothing can be in a domain.</summary>
    public bool IsIdle(int level, int domain)
    {
        if (_fixedSums[level][domain] > 0)
        {
            return false;
        }

        foreach (var sums in _roomSums)
        {
            if (sums[level][domain] > 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Range of the places of a domain.</summary>
    public (int First, int End) Places(int level, int domain) =>
        level == NetworkTopology.NodeLevel ? (domain, domain + 1) : (Topology.Domains(level)[domain].First, Topology.Domains(level)[domain].End);

    private static int[][] Sums(NetworkTopology topology, int[] byPlace)
    {
        var sums = new int[topology.ClusterLevel + 1][];
        sums[NetworkTopology.NodeLevel] = byPlace;
        for (var level = 1; level < sums.Length; level++)
        {
            var domains = topology.Domains(level);
            sums[level] = new int[domains.Length];
            for (var d = 0; d < domains.Length; d++)
            {
                for (var place = domains[d].First; place < domains[d].End; place++)
                {
                    sums[level][d] += byPlace[place];
                }
            }
        }

        return sums;
    }
}
