using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver.Roles;

namespace GpuScheduler.Solver.Batch;

/// <summary>
/// A batch with some of its gangs placed, to be changed gang by gang. Where counting GPUs is enough, it keeps the room of every domain for
/// every kind of member, so that a gang is placed in microseconds; other gangs are placed by the exact programs.
/// </summary>
internal sealed class BatchState
{
    private readonly GangBatch _batch;
    private readonly TreeGangPlacer _tree;
    private readonly SolveLimit _limit;
    private readonly BatchLedger _ledger;
    private readonly NetworkTopology _topology;
    private readonly List<(int Gpus, bool[]? Allowed)> _kinds = [];
    private readonly List<(int Role, int Kind, int Members)>?[] _counted; // by gang, the hungriest role first; null where counting is not enough
    private readonly int[][][] _room; // by kind, level and domain; nodes by place
    private readonly int[][] _largest;    // by kind and level: the most room of a domain with nobody placed
    private readonly ImmutableArray<GangSlot>?[] _slots;
    private readonly List<GangSlot> _draft = [];
    private long[] _keys = new long[64];

    public BatchState(GangBatch batch, TreeGangPlacer tree, SolveLimit limit)
    {
        _batch = batch;
        _tree = tree;
        _limit = limit;
        _topology = batch.Topology;
        _ledger = new BatchLedger(batch);
        _slots = new ImmutableArray<GangSlot>?[batch.Gangs.Length];
        _counted = new List<(int, int, int)>?[batch.Gangs.Length];
        if (batch.Capacity is WholeGpuCapacity capacity && NestedSizes.CpuAndMemorySuffice(capacity, [.. Enumerable.Range(0, capacity.Demands.Length).Where(r => capacity.Demands[r].Gpus > 0)]))
        {
            var first = 0;
            for (var gang = 0; gang < _counted.Length; gang++)
            {
                _counted[gang] = Counted(batch.Gangs[gang], capacity, first);
                first += batch.Gangs[gang].Roles.Length;
            }
        }

        _room = new int[_kinds.Count][][];
        for (var kind = 0; kind < _room.Length; kind++)
        {
            _room[kind] = new int[_topology.ClusterLevel + 1][];
            for (var level = 0; level <= _topology.ClusterLevel; level++)
            {
                _room[kind][level] = new int[level == NetworkTopology.NodeLevel ? _topology.Order.Length : _topology.Domains(level).Length];
            }
        }

        for (var place = 0; place < _topology.Order.Length; place++)
        {
            Recount(place);
        }

        _largest = [.. _room.Select(byLevel => byLevel.Select(rooms => rooms.Length == 0 ? 0 : rooms.Max()).ToArray())];
    }

    /// <summary>Weight of the gangs that are placed.</summary>
    public long Worth { get; private set; }

    /// <summary>Where each gang is; null for one that is not placed.</summary>
    public ImmutableArray<GangSlot>?[] Slots => _slots;

    /// <summary>True when a gang can be moved about quickly.</summary>
    public bool IsQuick(int gang) => _counted[gang] is not null;

    /// <summary>Places a gang, just what it needs. False when no place was found.</summary>
    /// <param name="gang">Which; it has none yet.</param>
    /// <param name="largestFirst">Whether to begin with the roomiest racks of the chosen domain, which makes the gang compact, or with the tightest, which leaves room together.</param>
    /// <param name="skip">How many of the tightest domains to pass over.</param>
    public bool TryPlace(int gang, bool largestFirst, int skip = 0)
    {
        var slots = _counted[gang] is { } members ? PlaceCounted(gang, members, largestFirst, skip) : PlaceExactly(gang);
        if (slots is null)
        {
            return false;
        }

        Put(gang, slots.Value);
        return true;
    }

    /// <summary>Puts a gang where it was found to fit.</summary>
    public void Put(int gang, ImmutableArray<GangSlot> slots)
    {
        Take(gang, slots, 1);
        _slots[gang] = slots;
        Worth += _batch.Gangs[gang].Weight;
    }

    /// <summary>Takes a gang away.</summary>
    public void Remove(int gang)
    {
        Take(gang, _slots[gang]!.Value, -1);
        _slots[gang] = null;
        Worth -= _batch.Gangs[gang].Weight;
    }

    private List<(int, int, int)>? Counted(BatchGang gang, WholeGpuCapacity capacity, int firstRole)
    {
        var roles = BatchLedger.Needed(gang);
        var members = new List<(int Role, int Kind, int Members)>();
        for (var role = 0; role < roles.Length; role++)
        {
            var demand = capacity.Demands[firstRole + role];
            if (demand.Gpus == 0 || roles[role].Segment is { Members: > 1 } || roles[role].Spread is not null)
            {
                return null;
            }

            var kind = _kinds.FindIndex(k => k.Gpus == demand.Gpus && (ReferenceEquals(k.Allowed, demand.Allowed) || (k.Allowed is not null && demand.Allowed is not null && k.Allowed.AsSpan().SequenceEqual(demand.Allowed))));
            if (kind < 0)
            {
                kind = _kinds.Count;
                _kinds.Add((demand.Gpus, demand.Allowed));
            }

            if (roles[role].Min > 0)
            {
                members.Add((role, kind, roles[role].Min));
            }
        }

        members.Sort((a, b) => _kinds[b.Kind].Gpus.CompareTo(_kinds[a.Kind].Gpus));
        return members;
    }

    private void Take(int gang, ImmutableArray<GangSlot> slots, int sign)
    {
        _ledger.Take(gang, slots, sign);
        foreach (var slot in slots)
        {
            Recount(_topology.PlaceOf(slot.Position));
        }
    }

    private void Recount(int place)
    {
        var position = _topology.Order[place];
        for (var kind = 0; kind < _kinds.Count; kind++)
        {
            var (gpus, allowed) = _kinds[kind];
            var room = allowed is null || allowed[position] ? Math.Max(0, _ledger.Gpus[position]) / gpus : 0;
            var change = room - _room[kind][NetworkTopology.NodeLevel][place];
            if (change == 0)
            {
                continue;
            }

            _room[kind][NetworkTopology.NodeLevel][place] = room;
            for (var level = 1; level <= _topology.ClusterLevel; level++)
            {
                _room[kind][level][_topology.DomainsByPlace(level)[place]] += change;
            }
        }
    }

    private ImmutableArray<GangSlot>? PlaceExactly(int gang)
    {
        var problem = _ledger.ProblemOf(gang, elastic: false, GangObjective.Tightest);
        var plan = TreeGangPlacer.Handles(problem) ? _tree.Place(problem, _limit) : new RolePlacer(problem, new GreedyRoleSearch(), _limit).Place();
        return plan.IsPlaced ? plan.Slots : null;
    }

    private ImmutableArray<GangSlot>? PlaceCounted(int gang, List<(int Role, int Kind, int Members)> members, bool largestFirst, int skip)
    {
        var outermost = _batch.Gangs[gang].RequiredLevel ?? _topology.ClusterLevel;
        for (var level = Math.Min(_batch.Gangs[gang].PreferredLevel ?? NetworkTopology.NodeLevel, outermost); level <= outermost; level++)
        {
            if (_largest[members[0].Kind][level] < members[0].Members)
            {
                continue;
            }

            // Domains by room, the tightest first; with several roles the first may not do.
            for (var (after, tries) = (-1L, 0); tries < 4; tries++)
            {
                var domain = Tightest(level, members, ref after);
                if (domain < 0)
                {
                    break;
                }

                if (skip > 0)
                {
                    skip--;
                    continue;
                }

                if (Fill(gang, level, domain, members, largestFirst) is { } slots)
                {
                    return slots;
                }
            }
        }

        return null;
    }

    /// <summary>The domain with the least room for the hungriest role, of those that come after a key, that has room for every role by itself.</summary>
    private int Tightest(int level, List<(int Role, int Kind, int Members)> members, ref long after)
    {
        var best = long.MaxValue;
        var room = _room[members[0].Kind][level];
        for (var domain = 0; domain < room.Length; domain++)
        {
            var key = ((long)room[domain] << 32) + domain;
            if (room[domain] < members[0].Members || key <= after || key >= best)
            {
                continue;
            }

            var all = true;
            for (var i = 1; i < members.Count && all; i++)
            {
                all = _room[members[i].Kind][level][domain] >= members[i].Members;
            }

            best = all ? key : best;
        }

        after = best;
        return best == long.MaxValue ? -1 : (int)(best & int.MaxValue);
    }

    private ImmutableArray<GangSlot>? Fill(int gang, int level, int domain, List<(int Role, int Kind, int Members)> members, bool largestFirst)
    {
        _draft.Clear();
        var complete = true;
        var taken = 0;
        for (var i = 0; i < members.Count && complete; i++)
        {
            complete = FillRole(level, domain, members[i].Role, members[i].Kind, members[i].Members, largestFirst);
            if (i + 1 < members.Count)
            {
                // The next role sees what this one takes.
                Take(gang, [.. _draft.Skip(taken)], 1);
                taken = _draft.Count;
            }
        }

        if (taken > 0)
        {
            Take(gang, [.. _draft.Take(taken)], -1);
        }

        return complete ? [.. _draft] : null;
    }

    private bool FillRole(int level, int domain, int role, int kind, int left, bool largestFirst)
    {
        if (level <= 1)
        {
            return FillNodes(level, domain, role, kind, left) == 0;
        }

        var first = _topology.FirstInside(level, domain, 1);
        var count = _topology.CountInside(level, domain, 1);
        if (_keys.Length < count)
        {
            _keys = new long[count * 2];
        }

        var used = 0;
        for (var rack = first; rack < first + count; rack++)
        {
            if (_room[kind][1][rack] is > 0 and var room)
            {
                _keys[used++] = ((long)(largestFirst ? -room : room) << 32) + rack;
            }
        }

        _keys.AsSpan(0, used).Sort();
        for (var i = 0; i < used && left > 0; i++)
        {
            left = FillNodes(1, (int)(_keys[i] & int.MaxValue), role, kind, left);
        }

        return left == 0;
    }

    /// <summary>Fills the nodes of a rack, those with the fewest free GPUs first: whole nodes are broken last. What is left over is returned.</summary>
    private int FillNodes(int level, int domain, int role, int kind, int left)
    {
        var (first, end) = level == NetworkTopology.NodeLevel ? (domain, domain + 1) : (_topology.Domains(level)[domain].First, _topology.Domains(level)[domain].End);
        Span<long> nodes = end - first <= 128 ? stackalloc long[end - first] : new long[end - first];
        var used = 0;
        for (var place = first; place < end; place++)
        {
            if (_room[kind][NetworkTopology.NodeLevel][place] > 0)
            {
                nodes[used++] = ((long)_ledger.Gpus[_topology.Order[place]] << 32) + place;
            }
        }

        nodes[..used].Sort();
        for (var i = 0; i < used && left > 0; i++)
        {
            var place = (int)(nodes[i] & int.MaxValue);
            var members = Math.Min(left, _room[kind][NetworkTopology.NodeLevel][place]);
            _draft.Add(new GangSlot(role, _topology.Order[place], members));
            left -= members;
        }

        return left;
    }
}
