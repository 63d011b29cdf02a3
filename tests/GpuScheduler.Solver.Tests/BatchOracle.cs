using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Tests;

/// <summary>Tries every set of gangs, and for a set every way to lay its members.</summary>
internal static class BatchOracle
{
    public static long Best(GangBatch batch)
    {
        var capacity = (WholeGpuCapacity)batch.Capacity;
        var best = 0L;
        foreach (var set in Enumerable.Range(0, 1 << batch.Gangs.Length).OrderByDescending(s => Worth(batch, s)))
        {
            if (Worth(batch, set) <= best)
            {
                break;
            }

            if (Fits(batch, capacity, set, 0, capacity.Gpus.ToArray()))
            {
                best = Worth(batch, set);
            }
        }

        return best;
    }

    private static long Worth(GangBatch batch, int set) => batch.Gangs.Where((_, i) => (set >> i & 1) != 0).Sum(g => g.Weight);

    private static bool Fits(GangBatch batch, WholeGpuCapacity capacity, int set, int gang, int[] free)
    {
        if (gang == batch.Gangs.Length)
        {
            return true;
        }

        if ((set >> gang & 1) == 0)
        {
            return Fits(batch, capacity, set, gang + 1, free);
        }

        var level = batch.Gangs[gang].RequiredLevel ?? batch.Topology.ClusterLevel;
        var first = batch.Gangs.Take(gang).Sum(g => g.Roles.Length);
        var members = batch.Gangs[gang].Roles.SelectMany((r, i) => Enumerable.Repeat(first + i, r.Min)).ToList();
        var domains = Enumerable.Range(0, free.Length).GroupBy(p => level == 0 ? p : batch.Topology.DomainOf(level, p));
        return domains.Any(d => Lay([.. d], members, 0, 0, capacity, free, () => Fits(batch, capacity, set, gang + 1, free)));
    }

    /// <summary>Members of a role are alike: each lies no further to the left than the one before.</summary>
    private static bool Lay(int[] nodes, List<int> members, int next, int from, WholeGpuCapacity capacity, int[] free, Func<bool> rest)
    {
        if (next == members.Count)
        {
            return rest();
        }

        var demand = capacity.Demands[members[next]];
        for (var i = from; i < nodes.Length; i++)
        {
            if (free[nodes[i]] < demand.Gpus || demand.Allowed?[nodes[i]] == false)
            {
                continue;
            }

            free[nodes[i]] -= demand.Gpus;
            var same = next + 1 < members.Count && members[next + 1] == members[next];
            if (Lay(nodes, members, next + 1, same ? i : 0, capacity, free, rest))
            {
                free[nodes[i]] += demand.Gpus;
                return true;
            }

            free[nodes[i]] += demand.Gpus;
        }

        return false;
    }
}
