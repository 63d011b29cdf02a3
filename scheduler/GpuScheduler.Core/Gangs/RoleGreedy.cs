using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Fills a domain with several roles, the hungriest first: into inner domains that are in use already, then into the one with the most
/// room; in there into the node on which least is left. Good, not the best; what it leaves out may still fit.
/// </summary>
internal static class RoleGreedy
{
    /// <summary>Members by role and place; as many of each role as asked for at most, and null when one gets fewer than the least.</summary>
    public static int[][]? Fill(RoleReach reach, int level, int domain, RoleQuestion question)
    {
        var topology = reach.Topology;
        var inner = TreeWeights.FirstLevelInside(topology, level, domain);
        var (first, end) = reach.Places(level, domain);
        var added = new int[reach.Roles][];
        for (var role = 0; role < added.Length; role++)
        {
            added[role] = new int[topology.Order.Length];
        }

        var state = new State(reach, added);
        foreach (var role in Enumerable.Range(0, reach.Roles).OrderByDescending(r => reach.Problem.Roles[r].Gpus))
        {
            var left = question.Most[role];
            while (left > 0)
            {
                var (from, to) = inner < 0 ? (first, end) : Choose(state, role, inner, level, domain, left);
                var taken = to > from ? state.Take(role, from, to, left) : 0;
                if (taken == 0)
                {
                    break;
                }

                left -= taken;
            }

            if (question.Most[role] - left < question.Least[role])
            {
                return null;
            }
        }

        return added;
    }

    /// <summary>The places of the inner domain to go on with; an empty range when there is no room left.</summary>
    private static (int First, int End) Choose(State state, int role, int inner, int level, int domain, int left)
    {
        var topology = state.Reach.Topology;
        var first = topology.FirstInside(level, domain, inner);
        var best = (First: 0, End: 0);
        var bestKey = (Used: false, Enough: false, Room: 0);
        for (var d = first; d < first + topology.CountInside(level, domain, inner); d++)
        {
            var (from, to) = state.Reach.Places(inner, d);
            var room = state.RoomIn(role, from, to, left);
            if (room == 0)
            {
                continue;
            }

            var key = (Used: state.IsUsed(inner, d), Enough: room >= left, Room: room);
            if (best.End == 0 || key.CompareTo(bestKey) > 0)
            {
                best = (from, to);
                bestKey = key;
            }
        }

        return best;
    }

    private sealed class State(RoleReach reach, int[][] added)
    {
        private readonly int[] _beside = new int[added.Length];
        private readonly HashSet<(int Level, int Domain)> _used = [];

        public RoleReach Reach => reach;

        public bool IsUsed(int level, int domain) => _used.Contains((level, domain)) || reach.FixedSum(level)[domain] > 0;

        public int RoomIn(int role, int first, int end, int most)
        {
            var sum = 0;
            for (var place = first; place < end && sum < most; place++)
            {
                sum += Room(role, place);
            }

            return Math.Min(sum, most);
        }

        public int Take(int role, int first, int end, int most)
        {
            var taken = 0;
            while (taken < most)
            {
                var best = -1;
                var bestRoom = 0;
                for (var place = first; place < end; place++)
                {
                    var room = Room(role, place);
                    if (room > 0 && (best < 0 || room < bestRoom))
                    {
                        best = place;
                        bestRoom = room;
                    }
                }

                if (best < 0)
                {
                    break;
                }

                var members = Math.Min(bestRoom, most - taken);
                added[role][best] += members;
                taken += members;
                for (var level = 0; level <= reach.Topology.ClusterLevel; level++)
                {
                    _used.Add((level, reach.Topology.DomainsByPlace(level)[best]));
                }
            }

            return taken;
        }

        private int Room(int role, int place)
        {
            if (reach.Room(role)[place] == 0)
            {
                return 0;
            }

            var any = false;
            for (var r = 0; r < added.Length; r++)
            {
                _beside[r] = added[r][place];
                any |= _beside[r] > 0;
            }

            var room = any
                ? RoomBeside(role, place)
                : reach.Room(role)[place];
            return room == 0 || reach.Problem.Roles[role].Spread is not { } spread
                ? room
                : Math.Max(0, Math.Min(room, reach.Allowance(role, spread.Level, DomainOf(spread.Level, place)) - AddedIn(role, spread.Level, place)));
        }

        private int RoomBeside(int role, int place) => reach.Problem.Capacity.Room(reach.Topology.Order[place], role, _beside);

        private int DomainOf(int level, int place) => level == NetworkTopology.NodeLevel ? place : reach.Topology.DomainsByPlace(level)[place];

        private int AddedIn(int role, int level, int place)
        {
            var (first, end) = reach.Places(level, DomainOf(level, place));
            var sum = 0;
            for (var p = first; p < end; p++)
            {
                sum += added[role][p];
            }

            return sum;
        }
    }
}
