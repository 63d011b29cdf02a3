using System.Runtime.CompilerServices;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Places one gang of identical pods, exactly: the most members, then the innermost common domain, then <see cref="GangObjective"/>.
/// Keeps its memory; one problem at a time.
/// </summary>
internal sealed class TreePlacer
{
    private readonly TreeReach _reach = new();
    private readonly TreeTables _tables = new();
    private readonly TreeCounts _counts = new();
    private readonly TreeGreedy _greedy = new();
    private readonly List<Candidate> _candidates = [];
    private int[] _added = [];
    private int[] _rooms = new int[64];
    private GangProblem _problem = null!;
    private SolveLimit _limit = null!;

    /// <summary>The sums of the last problem.</summary>
    public TreeReach Reach => _reach;

    /// <summary>Places a gang of one role.</summary>
    public GangPlan Place(GangProblem problem, SolveLimit limit)
    {
        _problem = problem;
        _limit = limit;
        _reach.Fill(problem);
        var nodes = problem.Topology.Order.Length;
        if (_added.Length < nodes)
        {
            _added = new int[nodes];
        }

        Array.Clear(_added, 0, nodes);
        var role = problem.Roles[0];
        var shape = _reach.Shape;
        var outermost = problem.RequiredLevel ?? problem.Topology.ClusterLevel;
        var innermost = Math.Min(problem.PreferredLevel ?? NetworkTopology.NodeLevel, outermost);
        if (_reach.FixedMembers >= role.Max)
        {
            return Finish("tree-dp", innermost);
        }

        // What is bound is bound: a gang that has what it needs lacks nothing, however its members lie.
        var isEnough = _reach.FixedMembers >= role.Min;
        var least = shape.Up(Math.Max(role.Min, _reach.FixedMembers));
        var most = -1;
        for (var domain = 0; domain < DomainCount(outermost); domain++)
        {
            if (IsHome(outermost, domain))
            {
                most = Math.Max(most, _reach.MostMembers(outermost, domain));
            }
        }

        for (var members = Math.Min(role.Max, most); members >= least && members > 0; members -= shape.Segment)
        {
            for (var level = innermost; level <= outermost; level++)
            {
                if (PlaceOn(level, members) is { } plan)
                {
                    return plan;
                }
            }
        }

        return isEnough ? Finish("tree-dp", innermost) : Short(outermost);
    }

    private int DomainCount(int level) => level == NetworkTopology.NodeLevel ? _reach.Room.Length : _reach.Topology.Domains(level).Length;

    /// <summary>True when no fixed member is outside a domain.</summary>
    private bool IsHome(int level, int domain) => _reach.FixedMembers == 0 || _reach.FixedSum(level)[domain] == _reach.FixedMembers;

    /// <summary>Places into the best domain of a level; null when none will do.</summary>
    private GangPlan? PlaceOn(int level, int members)
    {
        _candidates.Clear();
        var shape = _reach.Shape;
        if (_reach.Largest(level) < (level < shape.SegmentLevel ? members : shape.Segments(members)))
        {
            return null;
        }

        var count = DomainCount(level);
        for (var domain = 0; domain < count; domain++)
        {
            if (_reach.MostMembers(level, domain) >= members && IsHome(level, domain))
            {
                var first = TreeWeights.FirstLevelInside(_reach.Topology, level, domain);
                var bound = first < 0 ? 0 : FewestInside(level, domain, first, members);
                var exact = shape.Segment == 1 && (first < 0 || shape.SpreadLevel <= first || shape.SpreadLevel >= level);
                var stranded = level == NetworkTopology.NodeLevel ? _problem.Capacity.Stranded(_reach.Topology.Order[domain], [members - _reach.FixedMembers]) : 0;
                _candidates.Add(new Candidate(domain, _reach.RoomSum(level)[domain], stranded, bound, exact));
            }
        }

        if (_candidates.Count == 0)
        {
            return null;
        }

        // How few domains the best one needs; where counting does not tell, the tables do, those with the least bound first.
        var fewest = int.MaxValue;
        _candidates.Sort(static (a, b) => a.Bound != b.Bound ? a.Bound.CompareTo(b.Bound) : a.Domain.CompareTo(b.Domain));
        var alone = _candidates.Count == 1;
        for (var i = 0; i < _candidates.Count && _candidates[i].Bound <= fewest && !alone; i++)
        {
            fewest = Math.Min(fewest, Settle(i, level, members));
            if (_tables.Ended)
            {
                return Greedy(level, _candidates[0], members);
            }
        }

        var limit = alone ? int.MaxValue : fewest == int.MaxValue ? -1 : fewest + _problem.Objective.Slack;
        _candidates.Sort(static (a, b) => a.Room != b.Room ? a.Room.CompareTo(b.Room)
            : a.Bound != b.Bound ? a.Bound.CompareTo(b.Bound)
            : a.Stranded != b.Stranded ? a.Stranded.CompareTo(b.Stranded)
            : a.Domain.CompareTo(b.Domain));
        var best = -1;
        for (var i = 0; i < _candidates.Count; i++)
        {
            if (best >= 0 && (_candidates[i].Room > _candidates[best].Room || _candidates[i].Bound >= _candidates[best].Bound))
            {
                break; // not as tight, or no fewer
            }

            if (_candidates[i].Bound <= limit && (alone || Settle(i, level, members) <= limit))
            {
                best = best < 0 || _candidates[i].Bound < _candidates[best].Bound ? i : best;
            }

            if (_tables.Ended)
            {
                return Greedy(level, _candidates[i], members);
            }
        }

        return best < 0 ? null : PlaceInto(level, _candidates[best], members);
    }

    /// <summary>How many domains a candidate needs on the level just inside; never, when the tables say that it will not do at all.</summary>
    private int Settle(int index, int level, int members)
    {
        var candidate = _candidates[index];
        if (!candidate.IsExact)
        {
            var cost = _tables.Solve(_problem, _reach, level, candidate.Domain, members, _limit);
            if (_tables.Ended)
            {
                return int.MaxValue;
            }

            candidate = candidate with { Bound = cost >= TreeWeights.Never ? int.MaxValue : _tables.Weights.FirstOf(cost), IsExact = true };
            _candidates[index] = candidate;
        }

        return candidate.Bound;
    }

    private GangPlan? PlaceInto(int level, Candidate candidate, int members)
    {
        var wanted = members - _reach.FixedMembers;
        if (level > NetworkTopology.NodeLevel && IsUniform(level, candidate.Domain))
        {
            _greedy.Fill(_reach, level, candidate.Domain, wanted, _added);
            if (_counts.Improve(_reach, level, candidate.Domain, wanted, _added))
            {
                return Finish("tree-dp", level);
            }

            Array.Clear(_added, 0, _reach.Room.Length);
        }

        var cost = _tables.Solve(_problem, _reach, level, candidate.Domain, members, _limit);
        if (_tables.Ended)
        {
            return Greedy(level, candidate, members);
        }

        if (cost >= TreeWeights.Never)
        {
            return null;
        }

        _tables.Extract(level, candidate.Domain, _added);
        return Finish("tree-dp", level);
    }

    /// <summary>The answer when time is up.</summary>
    private GangPlan Greedy(int level, Candidate candidate, int members)
    {
        if (_reach.Shape.Segment > 1)
        {
            return new GangPlan { Proof = new Proof(ProofStatus.Undecided, "tree-dp", 0, 0, "the time limit ended the search", _limit.Elapsed) };
        }

        _greedy.Fill(_reach, level, candidate.Domain, members - _reach.FixedMembers, _added);
        return Finish("greedy", level, candidate.Bound);
    }

    /// <param name="method">How it was found.</param>
    /// <param name="level">Level of the domain that was filled.</param>
    /// <param name="bound">A bound on the domains used just inside it; null when nothing is better.</param>
    private GangPlan Finish(string method, int level, int? bound = null) =>
        GangPlans.Of(_problem, _added.AsSpan(0, _reach.Room.Length), _reach.Shape, method, level, bound, _limit.Elapsed);

    /// <summary>True when every node takes at most one member, at the same price: only the domains make a difference.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool IsUniform(int level, int domain)
    {
        if (_reach.Shape.Segment > 1)
        {
            return false;
        }

        var node = _reach.Topology.Domains(level)[domain];
        var most = _reach.Most(NetworkTopology.NodeLevel);
        var order = _reach.Topology.Order;
        var price = -1;
        for (var place = node.First; place < node.End; place++)
        {
            var held = _reach.Fixed[place];
            if (most[place] <= held)
            {
                continue;
            }

            if (most[place] != 1)
            {
                return false;
            }

            var stranded = _problem.Capacity.Stranded(order[place], [1]);
            if (price >= 0 && stranded != price)
            {
                return false;
            }

            price = stranded;
        }

        return true;
    }

    /// <summary>The fewest domains of an inner level that hold so many members: those that are open, then the largest. A bound; exact without segments and caps in between.</summary>
    private int FewestInside(int level, int domain, int inner, int members)
    {
        var first = _reach.Topology.FirstInside(level, domain, inner);
        var count = _reach.Topology.CountInside(level, domain, inner);
        if (_rooms.Length < count)
        {
            _rooms = new int[count * 2];
        }

        var most = _reach.Most(inner);
        var bySegment = inner >= _reach.Shape.SegmentLevel;
        var wanted = bySegment ? _reach.Shape.Segments(members) + (_reach.Shape.HasRest ? 1 : 0) : members;
        var open = 0;
        var used = 0;
        for (var d = first; d < first + count; d++)
        {
            // The smaller segment takes no more room than a whole one would, so that counting it as one would not be a bound.
            var room = Math.Max(most[d], 0) + (bySegment && _reach.Shape.HasRest ? 1 : 0);
            if (_reach.FixedMembers > 0 && _reach.FixedSum(inner)[d] > 0)
            {
                open++;
                wanted -= room;
            }
            else
            {
                _rooms[used++] = room;
            }
        }

        _rooms.AsSpan(0, used).Sort();
        for (var i = used - 1; i >= 0 && wanted > 0; i--)
        {
            wanted -= _rooms[i];
            open++;
        }

        return open;
    }

    private GangPlan Short(int level) => Shortfalls.Explain(_problem, _reach, _tables, level, _limit);

    /// <summary>A domain that may hold the gang.</summary>
    /// <param name="Domain">Which.</param>
    /// <param name="Room">All the room in it.</param>
    /// <param name="Stranded">What would be stranded on it, for a node.</param>
    /// <param name="Bound">Domains used on the level just inside, at least.</param>
    /// <param name="IsExact">True when the bound is the number.</param>
    private readonly record struct Candidate(int Domain, int Room, int Stranded, int Bound, bool IsExact);
}
