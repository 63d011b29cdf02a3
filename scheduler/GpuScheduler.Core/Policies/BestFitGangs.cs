using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Policies;

/// <summary>
/// Gangs as Kueue's topology-aware scheduling places them by best fit, written anew from its description, as a yardstick. Count what each
/// domain can take; find the innermost level with a domain that takes all, and there the smallest such domain; then the same inside it,
/// level by level: the largest domains, the last one the smallest that does. For gangs of one role, without segments and caps.
/// </summary>
public sealed class BestFitGangs : IGangPlacer
{
    /// <inheritdoc/>
    public GangPlan Place(GangProblem problem, SolveLimit limit)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(limit);
        if (problem.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(problem));
        }

        if (problem is not { Roles: [{ Segment: null, Spread: null } role], Fixed.IsEmpty: true })
        {
            return Undecided("best fit is for gangs of one role without segments, caps and bound members", limit);
        }

        var topology = problem.Topology;
        var rooms = new int[topology.Positions];
        problem.Capacity.Rooms(0, rooms);
        var outermost = problem.RequiredLevel ?? topology.ClusterLevel;
        for (var members = role.Max; members >= role.Min && members > 0; members--)
        {
            if (Place(topology, rooms, members, outermost) is { } added)
            {
                var slots = ImmutableArray.CreateBuilder<GangSlot>();
                foreach (var position in topology.Order)
                {
                    if (added[position] > 0)
                    {
                        slots.Add(new GangSlot(0, position, added[position]));
                    }
                }

                return GangPlans.WithCounts(problem, slots.ToImmutable(), "best-fit", topology.ClusterLevel, 0, limit.Elapsed);
            }
        }

        return Undecided($"best fit finds no {topology.NameOf(outermost)} with room for {role.Min} members", limit);
    }

    /// <summary>Places members; null when they do not fit.</summary>
    /// <param name="topology">The network.</param>
    /// <param name="roomByPosition">Members that each node takes.</param>
    /// <param name="members">How many.</param>
    /// <param name="outermost">Level of which one domain has to hold them.</param>
    /// <returns>Members by position of the node.</returns>
    internal static int[]? Place(NetworkTopology topology, ReadOnlySpan<int> roomByPosition, int members, int outermost)
    {
        var order = topology.Order;
        var rooms = new int[outermost + 1][];
        rooms[0] = new int[order.Length];
        for (var place = 0; place < order.Length; place++)
        {
            rooms[0][place] = roomByPosition[order[place]];
        }

        for (var level = 1; level <= outermost; level++)
        {
            var domains = topology.Domains(level);
            rooms[level] = new int[domains.Length];
            for (var d = 0; d < domains.Length; d++)
            {
                for (var place = domains[d].First; place < domains[d].End; place++)
                {
                    rooms[level][d] += rooms[0][place];
                }
            }
        }

        for (var level = 0; level <= outermost; level++)
        {
            var best = -1;
            for (var d = 0; d < rooms[level].Length; d++)
            {
                if (rooms[level][d] >= members && (best < 0 || rooms[level][d] < rooms[level][best]))
                {
                    best = d;
                }
            }

            if (best >= 0)
            {
                return Descend(topology, rooms, level, [best], members);
            }
        }

        return null;
    }

    private static int[] Descend(NetworkTopology topology, int[][] rooms, int level, List<int> chosen, int members)
    {
        while (level > 0)
        {
            level--;
            var inside = new List<int>();
            foreach (var domain in chosen)
            {
                var node = topology.Domains(level + 1)[domain];
                var (first, count) = level == 0 ? (node.First, node.Count) : (node.FirstChild, node.Children);
                inside.AddRange(Enumerable.Range(first, count));
            }

            var room = rooms[level];
            inside.Sort((a, b) => room[a] != room[b] ? room[b].CompareTo(room[a]) : a.CompareTo(b));
            chosen = [];
            var left = members;
            for (var i = 0; i < inside.Count && left > 0; i++)
            {
                if (room[inside[i]] >= left)
                {
                    while (i + 1 < inside.Count && room[inside[i + 1]] >= left)
                    {
                        i++;
                    }
                }

                chosen.Add(inside[i]);
                left -= room[inside[i]];
            }
        }

        var added = new int[topology.Positions];
        foreach (var place in chosen)
        {
            var taken = Math.Min(rooms[0][place], members);
            added[topology.Order[place]] = taken;
            members -= taken;
        }

        return added;
    }

    private static GangPlan Undecided(string why, SolveLimit limit) =>
        new() { Proof = new Proof(ProofStatus.Undecided, "best-fit", 0, 0, why, limit.Elapsed) };
}
