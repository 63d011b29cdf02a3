using System.Globalization;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>Says what is missing for a gang of one role that does not fit.</summary>
internal static class Shortfalls
{
    public static GangPlan Explain(GangProblem problem, TreeReach reach, TreeTables tables, int level, SolveLimit limit)
    {
        var topology = problem.Topology;
        var role = problem.Roles[0];
        var least = reach.Shape.Up(Math.Max(role.Min, reach.FixedMembers));
        var nearest = -1;
        var held = -1;
        var room = 0L;
        var count = level == NetworkTopology.NodeLevel ? topology.Order.Length : topology.Domains(level).Length;
        var homes = 0;
        for (var domain = 0; domain < count; domain++)
        {
            homes += reach.FixedSum(level)[domain] > 0 ? 1 : 0;
            room = Math.Max(room, reach.RoomSum(level)[domain] + (long)reach.FixedSum(level)[domain]);
            var most = Most(problem, reach, tables, level, domain, least, limit);
            if (most > held || (most == held && nearest >= 0 && reach.RoomSum(level)[domain] > reach.RoomSum(level)[nearest]))
            {
                nearest = domain;
                held = most;
            }
        }

        if (homes > 1)
        {
            return Answer(new Shortfall(level, -1, [least - reach.FixedMembers], ShortfallCause.FixedMembers), $"members that are bound already lie in {homes} domains of level {topology.NameOf(level)}, of which one has to hold them all", limit);
        }

        if (nearest < 0)
        {
            return reach.FixedMembers > 0
                ? Answer(new Shortfall(level, -1, [least - reach.FixedMembers], ShortfallCause.FixedMembers), "members that are bound already lie where the gang cannot be completed", limit)
                : Answer(new Shortfall(topology.ClusterLevel, 0, [least], ShortfallCause.Capacity), "the cluster has no node", limit);
        }

        var total = (long)reach.RoomSum(topology.ClusterLevel)[0] + reach.FixedMembers;
        var cause = total < role.Min ? ShortfallCause.Capacity : room < role.Min ? ShortfallCause.Level : ShortfallCause.Shape;
        var missing = least - Math.Max(held, 0);
        return Answer(new Shortfall(level, nearest, [missing], cause), Words(problem, reach, level, nearest, held, missing, least, cause), limit);
    }

    /// <summary>The most members, up to the least that are needed, that a domain holds.</summary>
    private static int Most(GangProblem problem, TreeReach reach, TreeTables tables, int level, int domain, int least, SolveLimit limit)
    {
        if (reach.FixedMembers > 0 && reach.FixedSum(level)[domain] != reach.FixedMembers)
        {
            return -1;
        }

        var most = Math.Min(least, reach.MostMembers(level, domain));
        if (reach.FixedMembers == 0)
        {
            return Math.Max(most, 0);
        }

        if (reach.Shape.Segment == 1)
        {
            return most >= reach.FixedMembers ? most : -1;
        }

        // With fixed members in segments the sums are a bound only.
        while (most >= reach.FixedMembers && tables.Solve(problem, reach, level, domain, most, limit) >= TreeWeights.Never)
        {
            most -= reach.Shape.Segment;
        }

        return most >= reach.FixedMembers ? most : -1;
    }

    private static string Words(GangProblem problem, TreeReach reach, int level, int domain, int held, int missing, int least, ShortfallCause cause)
    {
        var topology = problem.Topology;
        var role = problem.Roles[0];
        var name = topology.Describe(level, domain);
        var nearest = level != topology.ClusterLevel && topology.Domains(level).Length > 1 ? $"{name}, the nearest," : name;
        if (cause == ShortfallCause.Shape)
        {
            var span = role.Segment is { Members: > 1 } segment
                ? string.Create(CultureInfo.InvariantCulture, $"in segments of {segment.Members} in one {topology.NameOf(segment.Level)}")
                : "";
            var cap = role.Spread is { } spread
                ? string.Create(CultureInfo.InvariantCulture, $"{(span.Length > 0 ? " and " : "")}with at most {spread.Members} in one {topology.NameOf(spread.Level)}")
                : "";
            return string.Create(CultureInfo.InvariantCulture, $"{nearest} has room for {Math.Max(held, 0)} of {least} members {span}{cap}");
        }

        var wholeNodes = !reach.Room.ContainsAnyExceptInRange(0, 1);
        var needs = role.Needs.Length > 0 ? role.Needs : "room";
        return wholeNodes
            ? string.Create(CultureInfo.InvariantCulture, $"{nearest} is short of {missing} {(missing == 1 ? "node" : "nodes")} with {needs} free")
            : string.Create(CultureInfo.InvariantCulture, $"{nearest} is short of room for {missing} of {least} members{(role.Needs.Length > 0 ? $" with {role.Needs}" : "")}");
    }

    private static GangPlan Answer(Shortfall shortfall, string why, SolveLimit limit) =>
        new() { Proof = new Proof(ProofStatus.Infeasible, "counting", 0, 0, why, limit.Elapsed), Shortfall = shortfall };
}
