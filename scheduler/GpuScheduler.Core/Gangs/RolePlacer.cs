using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Places one gang of several roles: the most members, then the innermost common domain, then <see cref="GangObjective"/>. Which domain,
/// is decided here by bounds; what is best inside one, by a search.
/// </summary>
internal sealed class RolePlacer(GangProblem problem, IRoleSearch search, SolveLimit limit)
{
    private readonly RoleReach _reach = new(problem);
    private readonly NetworkTopology _topology = problem.Topology;
    private RoleQuestion _question = null!;
    private bool _undecided;

    /// <summary>Places the gang.</summary>
    public GangPlan Place()
    {
        var roles = problem.Roles;
        var least = roles.Select((r, i) => Math.Max(0, r.Min - _reach.FixedByRole[i])).ToArray();
        var most = roles.Select((r, i) => Math.Max(0, r.Max - _reach.FixedByRole[i])).ToArray();
        var value = roles.Select(r => Math.Max(1, r.Gpus)).ToArray();
        var outermost = problem.RequiredLevel ?? _topology.ClusterLevel;
        var innermost = Math.Min(problem.PreferredLevel ?? NetworkTopology.NodeLevel, outermost);
        _question = new RoleQuestion(least, most, value, most.Select((m, i) => (long)m * value[i]).Sum());
        if (most.All(m => m == 0))
        {
            return Finish(Nothing(), innermost, bound: null);
        }

        if (Overfull() is { } over)
        {
            // Whatever is added, the cap does not hold.
            return least.All(l => l == 0)
                ? Finish(Nothing(), innermost, bound: null)
                : Answer(new Shortfall(outermost, -1, [.. least], ShortfallCause.FixedMembers), $"more members of {over.Name} are bound already than the {over.Spread!.Value.Members} that may lie in one domain of level {_topology.NameOf(over.Spread.Value.Level)}");
        }

        if (!least.SequenceEqual(most))
        {
            var (status, worth) = MostWorth(outermost);
            if (status == ProofStatus.Infeasible)
            {
                return least.All(l => l == 0) ? Finish(Nothing(), innermost, bound: null) : Short(outermost, least);
            }

            if (status == ProofStatus.Undecided)
            {
                return GreedyAnywhere(innermost, outermost);
            }

            _question = _question with { LeastValue = worth };
        }

        for (var level = innermost; level <= outermost; level++)
        {
            if (PlaceOn(level) is { } plan)
            {
                return plan;
            }
        }

        return _undecided || limit.IsOver ? GreedyAnywhere(innermost, outermost) : Short(outermost, least);
    }

    /// <summary>A role of which fixed members exceed the cap; null when there is none.</summary>
    private GangRole? Overfull()
    {
        for (var role = 0; role < problem.Roles.Length; role++)
        {
            if (problem.Roles[role].Spread is { } spread && _reach.Held(role, spread.Level).ContainsAnyInRange(spread.Members + 1, int.MaxValue))
            {
                return problem.Roles[role];
            }
        }

        return null;
    }

    private int[][] Nothing() => [.. problem.Roles.Select(_ => new int[_topology.Order.Length])];

    /// <summary>The most that is placed in any domain of a level.</summary>
    private (ProofStatus Status, long Worth) MostWorth(int level)
    {
        var question = Within(level);
        var best = -1L;
        if (!IsSound(question))
        {
            return (ProofStatus.Infeasible, 0);
        }

        var candidates = Homes(level).Select(d => (Domain: d, Bound: WorthBound(level, d, _question))).Where(c => c.Bound >= 0).OrderByDescending(c => c.Bound).ThenBy(c => c.Domain);
        foreach (var (domain, bound) in candidates)
        {
            if (bound <= best)
            {
                break;
            }

            var answer = search.Most(_reach, level, domain, question, limit);
            if (answer.IsFound)
            {
                best = Math.Max(best, answer.Objective);
            }

            // Not proven to be the most: what is found serves all the same, but nothing better is excluded any more.
            _undecided |= answer.Status is ProofStatus.Undecided or ProofStatus.Feasible;
        }

        return best >= 0 ? (ProofStatus.Optimal, best) : (_undecided ? ProofStatus.Undecided : ProofStatus.Infeasible, 0);
    }

    /// <summary>The question for a domain of a level: caps of the levels around it hold for the whole gang.</summary>
    private RoleQuestion Within(int level) => Within(level, _question);

    private RoleQuestion Within(int level, RoleQuestion question) => question with
    {
        Most = [.. question.Most.Select((m, r) => problem.Roles[r].Spread is { } spread && spread.Level > level
            ? Math.Min(m, spread.Members - _reach.FixedByRole[r])
            : m)],
    };

    /// <summary>False when the caps around a domain leave less than is needed.</summary>
    private static bool IsSound(RoleQuestion question) => !question.Most.Zip(question.Least).Any(static p => p.First < p.Second);

    private IEnumerable<int> Homes(int level)
    {
        var count = level == NetworkTopology.NodeLevel ? _topology.Order.Length : _topology.Domains(level).Length;
        for (var domain = 0; domain < count; domain++)
        {
            if (_reach.FixedMembers == 0 || _reach.FixedSum(level)[domain] == _reach.FixedMembers)
            {
                yield return domain;
            }
        }
    }

    /// <summary>What a domain can hold at most, each role for itself; -1 when one has too little room.</summary>
    private long WorthBound(int level, int domain, RoleQuestion question)
    {
        var worth = 0L;
        for (var role = 0; role < _reach.Roles; role++)
        {
            var room = _reach.RoomSum(role, level)[domain];
            if (room < question.Least[role])
            {
                return -1;
            }

            worth += (long)Math.Min(room, question.Most[role]) * question.Value[role];
        }

        return worth;
    }

    private GangPlan? PlaceOn(int level)
    {
        var question = Within(level);
        if (!IsSound(question))
        {
            return null;
        }

        var hungriest = Enumerable.Range(0, _reach.Roles).MaxBy(r => problem.Roles[r].Gpus);
        var candidates = new List<Candidate>();
        foreach (var domain in Homes(level))
        {
            if (WorthBound(level, domain, question) >= question.LeastValue)
            {
                candidates.Add(new Candidate(domain, _reach.RoomSum(hungriest, level)[domain], FewestBound(level, domain, question), null));
            }
        }

        // How few domains the best one needs; those with the least bound first.
        var fewest = long.MaxValue;
        candidates.Sort(static (a, b) => a.Bound != b.Bound ? a.Bound.CompareTo(b.Bound) : a.Domain.CompareTo(b.Domain));
        for (var i = 0; i < candidates.Count && candidates[i].Bound <= fewest; i++)
        {
            candidates[i] = Ask(candidates[i], level, question);
            fewest = candidates[i].Answer!.IsFound ? Math.Min(fewest, candidates[i].Answer!.Objective) : fewest;
        }

        if (fewest == long.MaxValue)
        {
            return null;
        }

        var most = fewest + problem.Objective.Slack;
        var best = (Candidate?)null;
        candidates.Sort(static (a, b) => a.Room != b.Room ? a.Room.CompareTo(b.Room) : a.Bound != b.Bound ? a.Bound.CompareTo(b.Bound) : a.Domain.CompareTo(b.Domain));
        foreach (var candidate in candidates)
        {
            if (best is { } sofar && (candidate.Room > sofar.Room || candidate.Bound >= sofar.Answer!.Objective))
            {
                break;
            }

            if (candidate.Bound > most)
            {
                continue;
            }

            var asked = candidate.Answer is null ? Ask(candidate, level, question) : candidate;
            if (asked.Answer!.IsFound && asked.Answer.Objective <= most && (best is null || asked.Answer.Objective < best.Value.Answer!.Objective))
            {
                best = asked;
            }
        }

        if (best is not { } chosen)
        {
            return null;
        }

        var proven = !_undecided && chosen.Answer!.Status == ProofStatus.Optimal;
        return Finish(chosen.Answer!.Added!, level, proven ? null : (int)Math.Min(candidates.Min(c => c.Bound), chosen.Answer.Bound));
    }

    private Candidate Ask(Candidate candidate, int level, RoleQuestion question)
    {
        var answer = limit.IsOver ? RoleAnswer.Unknown(candidate.Bound) : search.Fewest(_reach, level, candidate.Domain, question, limit);
        _undecided |= answer.Status == ProofStatus.Undecided;
        return candidate with { Answer = answer, Bound = Math.Max(candidate.Bound, (int)Math.Min(answer.Bound, int.MaxValue)) };
    }

    /// <summary>The fewest domains on the level just inside, each role for itself.</summary>
    private int FewestBound(int level, int domain, RoleQuestion question)
    {
        var inner = TreeWeights.FirstLevelInside(_topology, level, domain);
        if (inner < 0)
        {
            return 0;
        }

        var first = _topology.FirstInside(level, domain, inner);
        var count = _topology.CountInside(level, domain, inner);
        var open = _reach.OpenInside(level, domain, inner);
        var bound = open;
        var rooms = new int[count];
        for (var role = 0; role < _reach.Roles; role++)
        {
            var left = question.Least[role];
            var closed = 0;
            for (var d = first; d < first + count; d++)
            {
                if (_reach.FixedSum(inner)[d] > 0)
                {
                    left -= _reach.RoomSum(role, inner)[d];
                }
                else
                {
                    rooms[closed++] = Math.Max(0, Math.Min(_reach.RoomSum(role, inner)[d], _reach.Allowance(role, inner, d)));
                }
            }

            Array.Sort(rooms, 0, closed);
            var used = open;
            while (left > 0 && closed > 0)
            {
                left -= rooms[--closed];
                used++;
            }

            bound = Math.Max(bound, used);
        }

        return bound;
    }

    /// <summary>The answer when time is up: the first domain that the greedy way fills, the innermost first.</summary>
    private GangPlan GreedyAnywhere(int innermost, int outermost)
    {
        for (var level = innermost; level <= outermost; level++)
        {
            var question = Within(level);
            foreach (var domain in Homes(level))
            {
                if (WorthBound(level, domain, question) >= 0 && RoleGreedy.Fill(_reach, level, domain, question) is { } added)
                {
                    return Finish(added, level, FewestBound(level, domain, question), "greedy");
                }
            }
        }

        return new GangPlan { Proof = new Proof(ProofStatus.Undecided, search.Method, 0, 0, "the time limit ended the search", limit.Elapsed) };
    }

    private GangPlan Finish(int[][] added, int level, int? bound, string? method = null)
    {
        var slots = ImmutableArray.CreateBuilder<GangSlot>();
        for (var role = 0; role < added.Length; role++)
        {
            for (var place = 0; place < added[role].Length; place++)
            {
                if (added[role][place] > 0)
                {
                    slots.Add(new GangSlot(role, _topology.Order[place], added[role][place]));
                }
            }
        }

        return GangPlans.WithCounts(problem, slots.ToImmutable(), method ?? search.Method, level, bound, limit.Elapsed);
    }

    /// <summary>What is missing: the fewest members to be left out, in the domain that comes nearest.</summary>
    private GangPlan Short(int outermost, int[] least)
    {
        var question = new RoleQuestion(new int[least.Length], least, [.. least.Select(_ => 1)], 0);
        var wanted = least.Sum();
        var homes = Homes(outermost).Select(d => (Domain: d, Bound: WorthBound(outermost, d, Within(outermost, question)))).OrderByDescending(h => h.Bound).ThenBy(h => h.Domain).ToList();
        if (homes.Count == 0)
        {
            return Answer(new Shortfall(outermost, -1, [.. least], ShortfallCause.FixedMembers), $"members that are bound already lie in several domains of level {_topology.NameOf(outermost)}, of which one has to hold them all");
        }

        var best = (Domain: -1, Answer: (RoleAnswer?)null);
        foreach (var (domain, bound) in homes)
        {
            if (best.Answer is not null && bound <= best.Answer.Objective)
            {
                break;
            }

            var answer = search.Most(_reach, outermost, domain, Within(outermost, question), limit);
            if (answer.Status is ProofStatus.Undecided or ProofStatus.Feasible)
            {
                return new GangPlan { Proof = new Proof(ProofStatus.Undecided, search.Method, 0, 0, "the time limit ended the search", limit.Elapsed) };
            }

            if (answer.IsFound && (best.Answer is null || answer.Objective > best.Answer.Objective))
            {
                best = (domain, answer);
            }
        }

        if (best.Answer is null)
        {
            return Answer(new Shortfall(outermost, -1, [.. least], ShortfallCause.FixedMembers), "members that are bound already lie where the gang cannot be completed");
        }

        var missing = least.Select((l, r) => l - best.Answer.Added![r].Sum()).ToImmutableArray();
        return Answer(new Shortfall(outermost, best.Domain, missing, Cause(outermost, question, wanted)), Words(outermost, best.Domain, missing));
    }

    private ShortfallCause Cause(int outermost, RoleQuestion question, int wanted)
    {
        var hasCaps = problem.Roles.Any(r => r.Spread is not null);
        if (outermost == _topology.ClusterLevel)
        {
            return hasCaps && WorthBound(outermost, 0, question) >= wanted ? ShortfallCause.Shape : ShortfallCause.Capacity;
        }

        return search.Most(_reach, _topology.ClusterLevel, 0, question, limit) is { IsFound: true } whole && whole.Objective >= wanted ? ShortfallCause.Level : ShortfallCause.Capacity;
    }

    private string Words(int level, int domain, ImmutableArray<int> missing)
    {
        var name = _topology.Describe(level, domain);
        var nearest = level != _topology.ClusterLevel && _topology.Domains(level).Length > 1 ? $"{name}, the nearest," : name;
        var parts = problem.Roles.Select((r, i) => (Role: r, Missing: missing[i])).Where(p => p.Missing > 0).Select(p =>
            string.Create(CultureInfo.InvariantCulture, $"{p.Missing} of {p.Role.Min} {p.Role.Name}{(p.Role.Needs.Length > 0 ? $" ({p.Role.Needs} each)" : "")}"));
        return $"{nearest} is short of room for {string.Join(" and ", parts)}";
    }

    private GangPlan Answer(Shortfall shortfall, string why) =>
        new() { Proof = new Proof(ProofStatus.Infeasible, search.Method, 0, 0, why, limit.Elapsed), Shortfall = shortfall };

    /// <summary>A domain that may hold the gang.</summary>
    private readonly record struct Candidate(int Domain, int Room, int Bound, RoleAnswer? Answer);
}
