using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Gangs of one role go to another placer. Of those of several it puts the largest members first and each role as that placer would
/// alone, beside the earlier ones; domains are tried from the innermost level outwards, and the first that takes all is kept. So a
/// plan is right but perhaps not the best, and that none is found proves nothing unless some role has no place even alone.
/// </summary>
public sealed class RoleByRolePlacer(IGangPlacer single) : IGangPlacer
{
    private const string Method = "role by role";

    /// <inheritdoc/>
    public GangPlan Place(GangProblem problem, SolveLimit limit)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(limit);
        if (problem.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(problem));
        }

        return problem.Roles.Length == 1 ? single.Place(problem, limit) : PlaceRoles(problem, limit);
    }

    private GangPlan PlaceRoles(GangProblem problem, SolveLimit limit)
    {
        var topology = problem.Topology;
        var outermost = problem.RequiredLevel ?? topology.ClusterLevel;
        for (var role = 0; role < problem.Roles.Length; role++)
        {
            var alone = single.Place(Alone(problem, role, problem.Capacity, problem.RequiredLevel), limit);
            if (alone.Proof.Status == ProofStatus.Infeasible)
            {
                var missing = new int[problem.Roles.Length];
                missing[role] = alone.Shortfall?.Missing.Sum() ?? 0;
                return alone with
                {
                    Proof = alone.Proof with { Why = $"role {problem.Roles[role].Name}: {alone.Proof.Why}" },
                    Shortfall = alone.Shortfall is { } shortfall ? shortfall with { Missing = [.. missing] } : null,
                };
            }
        }

        for (var level = Math.Min(problem.PreferredLevel ?? NetworkTopology.NodeLevel, outermost); level <= outermost; level++)
        {
            var domains = level == NetworkTopology.NodeLevel ? topology.Order.Length : topology.Domains(level).Length;
            for (var domain = 0; domain < domains; domain++)
            {
                if (limit.IsOver)
                {
                    return Nothing("no place was found in time", limit);
                }

                if (HoldsFixed(problem, level, domain) && TryDomain(problem, level, domain, limit) is { } slots)
                {
                    return GangPlans.WithCounts(problem, slots, Method, level, 0, limit.Elapsed);
                }
            }
        }

        return Nothing("each role has a place by itself, but no way was found to place all of them together", limit);
    }

    private ImmutableArray<GangSlot>? TryDomain(GangProblem problem, int level, int domain, SolveLimit limit)
    {
        var beside = new Beside(problem, level, domain);
        var slots = new List<GangSlot>();
        var order = Enumerable.Range(0, problem.Roles.Length).OrderByDescending(r => problem.Roles[r].Gpus).ToList();
        foreach (var role in order)
        {
            if (beside.RoomFor(role) + problem.Fixed.Where(f => f.Role == role).Sum(f => f.Members) < problem.Roles[role].Min)
            {
                return null;
            }
        }

        foreach (var role in order)
        {
            var plan = single.Place(Alone(problem, role, beside, null), limit);
            if (!plan.IsPlaced)
            {
                return null;
            }

            foreach (var slot in plan.Slots)
            {
                beside.Take(role, slot.Position, slot.Members);
                slots.Add(slot with { Role = role });
            }
        }

        return [.. slots.OrderBy(s => s.Role)];
    }

    private static bool HoldsFixed(GangProblem problem, int level, int domain)
    {
        foreach (var slot in problem.Fixed)
        {
            var at = level == NetworkTopology.NodeLevel ? problem.Topology.PlaceOf(slot.Position) : problem.Topology.DomainOf(level, slot.Position);
            if (at != domain)
            {
                return false;
            }
        }

        return true;
    }

    private static GangProblem Alone(GangProblem problem, int role, IGangCapacity capacity, int? required) => problem with
    {
        Roles = [problem.Roles[role]],
        Capacity = new OneRole(capacity, role, problem.Roles.Length),
        Fixed = [.. problem.Fixed.Where(f => f.Role == role).Select(f => f with { Role = 0 })],
        RequiredLevel = required,
    };

    private static GangPlan Nothing(string why, SolveLimit limit) => new() { Proof = new Proof(ProofStatus.Undecided, Method, 0, 0, why, limit.Elapsed) };

    /// <summary>One role of several, as the only one.</summary>
    private sealed class OneRole(IGangCapacity all, int role, int roles) : IGangCapacity
    {
        public int Room(int position, int _, ReadOnlySpan<int> beside)
        {
            if (!beside.ContainsAnyExcept(0))
            {
                return all.Room(position, role, []);
            }

            Span<int> counts = stackalloc int[roles];
            counts.Clear();
            counts[role] = beside[0];
            return all.Room(position, role, counts);
        }

        public int Stranded(int position, int _, int members) => all.Stranded(position, role, members);
    }

    /// <summary>What is left in a domain beside the members that have been put there.</summary>
    private sealed class Beside(GangProblem problem, int level, int domain) : IGangCapacity
    {
        private readonly Dictionary<int, int[]> _taken = [];

        public int RoomFor(int role)
        {
            var sum = 0L;
            foreach (var position in problem.Topology.Order)
            {
                sum += Room(position, role, []);
            }

            return (int)Math.Min(sum, int.MaxValue);
        }

        public void Take(int role, int position, int members)
        {
            if (!_taken.TryGetValue(position, out var counts))
            {
                _taken[position] = counts = new int[problem.Roles.Length];
            }

            counts[role] += members;
        }

        public int Room(int position, int role, ReadOnlySpan<int> beside)
        {
            if ((level == NetworkTopology.NodeLevel ? problem.Topology.PlaceOf(position) : problem.Topology.DomainOf(level, position)) != domain)
            {
                return 0;
            }

            if (!_taken.TryGetValue(position, out var taken))
            {
                return problem.Capacity.Room(position, role, beside);
            }

            Span<int> counts = stackalloc int[problem.Roles.Length];
            taken.CopyTo(counts);
            for (var r = 0; r < beside.Length; r++)
            {
                counts[r] += beside[r];
            }

            return problem.Capacity.Room(position, role, counts);
        }

        public int Stranded(int position, int role, int members) => problem.Capacity.Stranded(position, role, members);
    }
}
