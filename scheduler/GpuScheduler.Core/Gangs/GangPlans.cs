using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>Writes down placements.</summary>
internal static class GangPlans
{
    /// <summary>The plan of a gang of one role.</summary>
    /// <param name="problem">The gang.</param>
    /// <param name="added">Members by place.</param>
    /// <param name="shape">How they are grouped.</param>
    /// <param name="method">How it was found.</param>
    /// <param name="level">Level of the domain that was filled.</param>
    /// <param name="bound">A bound on the domains used just inside it; null when it is proven that nothing is better.</param>
    /// <param name="elapsed">How long it took.</param>
    public static GangPlan Of(GangProblem problem, ReadOnlySpan<int> added, in GangShape shape, string method, int level, int? bound, TimeSpan elapsed)
    {
        var topology = problem.Topology;
        var used = 0;
        foreach (var members in added)
        {
            used += members > 0 ? 1 : 0;
        }

        var slots = ImmutableArray.CreateBuilder<GangSlot>(used);
        var order = topology.Order;
        var partial = shape.HasRest ? PartialSegment(problem, topology, added, shape) : default;
        for (var place = 0; place < added.Length; place++)
        {
            if (added[place] > 0 && (place < partial.First || place >= partial.End))
            {
                slots.Add(new GangSlot(0, order[place], added[place]));
            }
        }

        // The smaller segment comes last, so that the ranks before it fall into whole ones.
        for (var place = partial.First; place < partial.End; place++)
        {
            if (added[place] > 0)
            {
                slots.Add(new GangSlot(0, order[place], added[place]));
            }
        }

        return WithCounts(problem, slots.MoveToImmutable(), method, level, bound, elapsed);
    }

    /// <summary>The plan with the domains that it uses and its proof.</summary>
    public static GangPlan WithCounts(GangProblem problem, ImmutableArray<GangSlot> slots, string method, int filled, int? bound, TimeSpan elapsed)
    {
        var topology = problem.Topology;
        Span<int> counts = stackalloc int[topology.ClusterLevel + 1];
        var places = Places(problem, slots);
        for (var level = 0; level < counts.Length; level++)
        {
            var domains = topology.DomainsByPlace(level);
            var last = -1;
            counts[level] = 0;
            foreach (var place in places)
            {
                if (domains[place] != last)
                {
                    last = domains[place];
                    counts[level]++;
                }
            }
        }

        var common = counts.IndexOf(1);
        var domain = common < 0 ? -1 : topology.DomainsByPlace(common)[places[0]];
        var inside = common < 0 || filled == NetworkTopology.NodeLevel ? -1 : TreeWeights.FirstLevelInside(topology, filled, topology.DomainsByPlace(filled)[places[0]]);
        var objective = inside < 0 ? 0 : counts[inside];
        var proof = bound is { } some && some < objective
            ? new Proof(ProofStatus.Feasible, method, objective, some, "", elapsed)
            : new Proof(bound is null ? ProofStatus.Optimal : ProofStatus.Feasible, method, objective, objective, "", elapsed);
        return new GangPlan { Proof = proof, Slots = slots, CommonLevel = common, CommonDomain = domain, DomainsUsed = [.. counts] };
    }

    private static int[] Places(GangProblem problem, ImmutableArray<GangSlot> slots)
    {
        var places = new int[slots.Length + problem.Fixed.Length];
        for (var i = 0; i < slots.Length; i++)
        {
            places[i] = problem.Topology.PlaceOf(slots[i].Position);
        }

        for (var i = 0; i < problem.Fixed.Length; i++)
        {
            places[slots.Length + i] = problem.Topology.PlaceOf(problem.Fixed[i].Position);
        }

        Array.Sort(places);
        return places;
    }

    /// <summary>The nodes of the domain with the smaller segment.</summary>
    private static (int First, int End) PartialSegment(GangProblem problem, NetworkTopology topology, ReadOnlySpan<int> added, in GangShape shape)
    {
        var domains = topology.DomainsByPlace(shape.SegmentLevel);
        var held = new int[added.Length];
        foreach (var slot in problem.Fixed)
        {
            held[topology.PlaceOf(slot.Position)] += slot.Members;
        }

        for (var first = 0; first < added.Length;)
        {
            var end = first;
            var members = 0;
            for (; end < added.Length && domains[end] == domains[first]; end++)
            {
                members += added[end] + held[end];
            }

            if (members % shape.Segment != 0)
            {
                return (first, end);
            }

            first = end;
        }

        return default;
    }
}
