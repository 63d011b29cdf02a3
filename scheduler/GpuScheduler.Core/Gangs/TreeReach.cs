using System.Runtime.CompilerServices;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// How many members of the only role every domain of the network can hold, fixed ones included: an upper bound, and exact without
/// fixed members. Arrays are kept for the next problem.
/// </summary>
internal sealed class TreeReach
{
    private int[] _byPosition = [];
    private int[][] _roomSum = [];
    private int[][] _fixedSum = [];
    private int[][] _most = [];
    private int[][] _mostWithRest = [];
    private int[] _largest = [];
    private int[] _room = [];
    private int[] _fixed = [];

    public NetworkTopology Topology { get; private set; } = NetworkTopology.Empty;

    public GangShape Shape { get; private set; }

    /// <summary>Members that there is room for, by place in the tree's order.</summary>
    public ReadOnlySpan<int> Room => _room.AsSpan(0, Topology.Order.Length);

    /// <summary>Fixed members, by place.</summary>
    public ReadOnlySpan<int> Fixed => _fixed.AsSpan(0, Topology.Order.Length);

    /// <summary>Number of fixed members.</summary>
    public int FixedMembers { get; private set; }

    /// <summary>Sum of <see cref="Room"/> by domain of a level, whatever the caps say.</summary>
    public ReadOnlySpan<int> RoomSum(int level) => level == NetworkTopology.NodeLevel ? Room : _roomSum[level];

    /// <summary>Sum of <see cref="Fixed"/> by domain of a level.</summary>
    public ReadOnlySpan<int> FixedSum(int level) => level == NetworkTopology.NodeLevel ? Fixed : _fixedSum[level];

    /// <summary>The most that each domain of a level holds, in members below the segment level and else in segments; -1 for nothing, not even none.</summary>
    public ReadOnlySpan<int> Most(int level) => _most[level];

    /// <summary>The same with the smaller segment among them.</summary>
    public ReadOnlySpan<int> MostWithRest(int level) => _mostWithRest[level];

    /// <summary>The most members of a gang that lies wholly in a domain; negative when there is no such number.</summary>
    public int MostMembers(int level, int domain)
    {
        var segments = Shape.HasRest && level >= Shape.SegmentLevel ? _mostWithRest[level][domain] : _most[level][domain];
        var members = segments < 0 ? -1 : level < Shape.SegmentLevel ? Shape.Down(segments) : (segments * Shape.Segment) + Shape.Rest;
        return Shape.SpreadLevel > level ? Math.Min(members, Shape.Down(Shape.SpreadCap)) : members;
    }

    /// <summary>The most that one domain of a level holds, in the unit of <see cref="Most"/>, one more where there is a smaller segment: a bound.</summary>
    public int Largest(int level) => _largest[level];

    /// <summary>Adds everything up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(GangProblem problem)
    {
        Topology = problem.Topology;
        Shape = GangShape.Of(problem.Roles[0]);
        var nodes = Topology.Order.Length;
        Resize(ref _byPosition, Topology.Positions);
        Resize(ref _room, nodes);
        Resize(ref _fixed, nodes);
        var rooms = _byPosition.AsSpan(0, Topology.Positions);
        problem.Capacity.Rooms(0, rooms);
        var order = Topology.Order;
        for (var place = 0; place < nodes; place++)
        {
            _room[place] = rooms[order[place]];
        }

        Array.Clear(_fixed, 0, nodes);
        FixedMembers = 0;
        foreach (var slot in problem.Fixed)
        {
            _fixed[Topology.PlaceOf(slot.Position)] += slot.Members;
            FixedMembers += slot.Members;
        }

        if (_most.Length <= Topology.ClusterLevel)
        {
            Array.Resize(ref _largest, Topology.ClusterLevel + 1);
            Array.Resize(ref _roomSum, Topology.ClusterLevel + 1);
            Array.Resize(ref _fixedSum, Topology.ClusterLevel + 1);
            Array.Resize(ref _most, Topology.ClusterLevel + 1);
            Array.Resize(ref _mostWithRest, Topology.ClusterLevel + 1);
        }

        FillNodes();
        _largest[0] = Max(_most[0].AsSpan(0, nodes));
        for (var level = 1; level <= Topology.ClusterLevel; level++)
        {
            FillLevel(level);
            _largest[level] = Max(_most[level].AsSpan(0, Topology.Domains(level).Length));
        }
    }

    private static void Resize(ref int[] array, int length)
    {
        if (array is null || array.Length < length)
        {
            array = new int[length];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Max(ReadOnlySpan<int> most)
    {
        var max = -1;
        foreach (var value in most)
        {
            max = Math.Max(max, value);
        }

        return max + (Shape.HasRest ? 1 : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FillNodes()
    {
        var nodes = Topology.Order.Length;
        Resize(ref _most[0], nodes);
        Resize(ref _mostWithRest[0], Shape.HasRest ? nodes : 0);
        var cap = Shape.CapOf(NetworkTopology.NodeLevel);
        var most = _most[0];
        if (Shape.SegmentLevel > NetworkTopology.NodeLevel || Shape.Segment == 1)
        {
            for (var place = 0; place < nodes; place++)
            {
                var held = _room[place] + _fixed[place];
                most[place] = held <= cap ? held : _fixed[place] <= cap ? cap : -1;
            }

            return;
        }

        for (var place = 0; place < nodes; place++)
        {
            Segments(NetworkTopology.NodeLevel, _room[place] + _fixed[place], _fixed[place], out most[place], out var withRest);
            if (Shape.HasRest)
            {
                _mostWithRest[0][place] = withRest;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FillLevel(int level)
    {
        var domains = Topology.Domains(level);
        Resize(ref _roomSum[level], domains.Length);
        Resize(ref _fixedSum[level], domains.Length);
        Resize(ref _most[level], domains.Length);
        Resize(ref _mostWithRest[level], Shape.HasRest ? domains.Length : 0);
        var innerRoom = RoomSum(level - 1);
        var innerFixed = FixedSum(level - 1);
        var innerMost = _most[level - 1].AsSpan();
        for (var d = 0; d < domains.Length; d++)
        {
            var first = level == 1 ? domains[d].First : domains[d].FirstChild;
            var end = first + (level == 1 ? domains[d].Count : domains[d].Children);
            var room = 0;
            var most = 0;
            var impossible = 0;
            for (var c = first; c < end; c++)
            {
                room += innerRoom[c];
                most += Math.Max(innerMost[c], 0);
                impossible += innerMost[c] >> 31;
            }

            var held = 0;
            if (FixedMembers > 0)
            {
                for (var c = first; c < end; c++)
                {
                    held += innerFixed[c];
                }
            }

            _roomSum[level][d] = room;
            _fixedSum[level][d] = held;
            if (level < Shape.SegmentLevel || Shape.Segment == 1)
            {
                var cap = Shape.CapOf(level);
                _most[level][d] = impossible < 0 || held > cap ? -1 : Math.Min(most, cap);
            }
            else if (level == Shape.SegmentLevel)
            {
                Segments(level, impossible < 0 ? -1 : most, held, out _most[level][d], out var withRest);
                if (Shape.HasRest)
                {
                    _mostWithRest[level][d] = withRest;
                }
            }
            else
            {
                Combine(level, d, first, end, most, -impossible);
            }
        }
    }

    /// <summary>Segments of a domain of the segment level, of which so many members would find room and some are there already.</summary>
    private void Segments(int level, int members, int held, out int most, out int withRest)
    {
        members = Math.Min(members, Shape.CapOf(level));
        most = Whole(members, held);
        withRest = Shape.HasRest ? Whole(members - Shape.Rest, held - Shape.Rest) : -1;
    }

    private int Whole(int members, int held) =>
        members < 0 ? -1 : members / Shape.Segment is var whole && held > whole * Shape.Segment ? -1 : whole;

    private void Combine(int level, int d, int first, int end, int most, int impossible)
    {
        var cap = Shape.CapOf(level);
        _most[level][d] = impossible > 0 ? -1 : Math.Min(most, cap / Shape.Segment);
        if (!Shape.HasRest)
        {
            return;
        }

        var inner = _most[level - 1];
        var rest = _mostWithRest[level - 1];
        var best = -1;
        for (var c = first; c < end; c++)
        {
            // The smaller segment lies in this one; the others hold whole ones only.
            if (rest[c] >= 0 && impossible == (inner[c] < 0 ? 1 : 0))
            {
                best = Math.Max(best, most - Math.Max(inner[c], 0) + rest[c]);
            }
        }

        _mostWithRest[level][d] = cap < Shape.Rest ? -1 : Math.Min(best, (cap - Shape.Rest) / Shape.Segment);
    }
}
