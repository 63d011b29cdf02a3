using System.Collections.Immutable;
using System.Globalization;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Tests.Gangs;

/// <summary>A small gang of identical members on a small cluster, drawn by chance.</summary>
internal sealed record GangCase
{
    /// <summary>Value by node and level, innermost first; 0 for a node that does not say.</summary>
    public required int[][] Places { get; init; }

    /// <summary>Free GPUs by node.</summary>
    public required int[] Free { get; init; }

    public required int GpusEach { get; init; }

    public required int Min { get; init; }

    public required int Max { get; init; }

    public required int Segment { get; init; }

    public required int SegmentLevel { get; init; }

    public required int Spread { get; init; }

    public required int SpreadLevel { get; init; }

    public required int Required { get; init; }

    public required int Preferred { get; init; }

    public required bool Compact { get; init; }

    /// <summary>Fixed members by node.</summary>
    public required int[] Fixed { get; init; }

    public static Gen<GangCase> Any { get; } =
        from levels in Gen.Int[1, 3]
        from nodes in Gen.Int[1, 7]
        from places in Gen.Int[0, 3].Array[levels].Array[nodes]
        from free in Gen.Int[0, 4].Array[nodes]
        from each in Gen.Frequency((2, Gen.Const(1)), (1, Gen.Const(2)), (2, Gen.Const(4)))
        from max in Gen.Int[1, 8]
        from min in Gen.Frequency((2, Gen.Const(max)), (1, Gen.Int[0, max]))
        from segment in Gen.Frequency((2, Gen.Const(1)), (1, Gen.Int[2, 4]))
        from segmentLevel in Gen.Int[0, levels + 1]
        from spread in Gen.Frequency((2, Gen.Const(0)), (1, Gen.Int[1, 4]))
        from spreadLevel in Gen.Int[0, levels + 1]
        from required in Gen.Frequency((1, Gen.Const(-1)), (2, Gen.Int[0, levels + 1]))
        from preferred in Gen.Frequency((2, Gen.Const(-1)), (1, Gen.Int[0, levels + 1]))
        from compact in Gen.Bool
        from isFixed in Gen.Frequency((3, Gen.Const(false)), (1, Gen.Const(true)))
        from held in Gen.Frequency((3, Gen.Const(0)), (1, Gen.Int[1, 2])).Array[nodes]
        select new GangCase
        {
            Places = places,
            Free = free,
            GpusEach = each,
            Min = min,
            Max = max,
            Segment = segment,
            SegmentLevel = segmentLevel,
            Spread = spread,
            SpreadLevel = spreadLevel,
            Required = required,
            Preferred = preferred,
            Compact = compact,
            Fixed = isFixed ? held : new int[nodes],
        };

    public NetworkTopology Topology()
    {
        var levels = Enumerable.Range(0, Places[0].Length).Select(l => new NetworkLevel($"level{l}", [$"l{l}"]));
        return NetworkTopology.Build([.. levels], [.. Places.Select((values, i) => new NetworkNode(
            $"n{i}",
            values.Select((v, l) => (v, l)).Where(p => p.v > 0).ToDictionary(p => $"l{p.l}", p => p.v.ToString(CultureInfo.InvariantCulture))))]);
    }

    /// <summary>The problem; levels that no node carries are not in the network, so that demands on them move inwards.</summary>
    public GangProblem Problem()
    {
        var topology = Topology();
        int Clip(int level) => Math.Min(level, topology.ClusterLevel);
        return new GangProblem
        {
            Topology = topology,
            Capacity = new WholeGpuCapacity([new WholeGpuDemand(GpusEach)], Free),
            Roles =
            [
                new GangRole
                {
                    Name = "worker",
                    Needs = $"{GpusEach} GPUs",
                    Min = Min,
                    Max = Max,
                    Gpus = GpusEach,
                    Segment = Segment > 1 ? new GangSpan(Clip(SegmentLevel), Segment) : null,
                    Spread = Spread > 0 ? new GangSpan(Clip(SpreadLevel), Spread) : null,
                },
            ],
            RequiredLevel = Required < 0 ? null : Clip(Required),
            PreferredLevel = Preferred < 0 ? null : Clip(Preferred),
            Objective = Compact ? GangObjective.Compact : GangObjective.Tightest,
            Fixed = [.. Fixed.Select((n, i) => new GangSlot(0, i, n)).Where(s => s.Members > 0)],
        };
    }

    /// <summary>For the message of a failed draw.</summary>
    public override string ToString() =>
        $"places {string.Join(' ', Places.Select(p => "(" + string.Join(',', p) + ")"))} free {string.Join(',', Free)} each {GpusEach} size {Min}..{Max} segment {Segment}@{SegmentLevel} spread {Spread}@{SpreadLevel} required {Required} preferred {Preferred} compact {Compact} fixed {string.Join(',', Fixed)}";
}
