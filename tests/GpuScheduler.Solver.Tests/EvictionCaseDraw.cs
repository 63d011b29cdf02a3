using CsCheck;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Tests;

/// <summary>A gang without room and some jobs in its way, drawn by chance.</summary>
internal sealed record EvictionCaseDraw
{
    public required (int Spine, int Rack)[] Nodes { get; init; }

    public required int[] Free { get; init; }

    public required (int Gpus, int Members)[] Roles { get; init; }

    public required int Required { get; init; }

    public required int Segment { get; init; }

    public required int Spread { get; init; }

    /// <summary>Jobs: cost, and what they hold by node as bits.</summary>
    public required (int Cost, (int Node, int Gpus)[] Holds)[] Victims { get; init; }

    public static Gen<EvictionCaseDraw> Any { get; } =
        from nodes in Gen.Int[1, 5]
        from places in Gen.Select(Gen.Int[0, 1], Gen.Int[0, 1]).Array[nodes]
        from free in Gen.Int[0, 2].Array[nodes]
        from roles in Gen.Select(Gen.Int[1, 4], Gen.Int[1, 3]).Array[1, 2]
        from required in Gen.Int[-1, 3]
        from segment in Gen.Frequency((4, Gen.Const(0)), (1, Gen.Const(2)))
        from spread in Gen.Frequency((4, Gen.Const(0)), (1, Gen.Int[1, 2]))
        from victims in Gen.Select(Gen.Int[1, 20], Gen.Select(Gen.Int[0, nodes - 1], Gen.Int[1, 15]).Array[1, 3]).Array[0, 6]
        select new EvictionCaseDraw
        {
            Nodes = [.. places.Select(p => (p.Item1, p.Item2))],
            Free = free,
            Roles = [.. roles.Select(r => (r.Item1, r.Item2))],
            Required = required,
            Segment = roles.Length == 1 ? segment : 0,
            Spread = spread,
            Victims = [.. victims.Select(v => (v.Item1, v.Item2.Select(h => (h.Item1, h.Item2)).DistinctBy(h => h.Item1).ToArray()))],
        };

    public EvictionProblem Problem() => new()
    {
        Gang = new GangProblem
        {
            Topology = Clusters.Build(Nodes),
            Capacity = new WholeGpuCapacity([.. Roles.Select(r => new WholeGpuDemand(r.Gpus))], Free),
            Roles = [.. Roles.Select((r, i) => new GangRole
            {
                Name = $"role{i}",
                Min = r.Members,
                Max = r.Members,
                Gpus = r.Gpus,
                Segment = Segment > 0 ? new GangSpan(1, Segment) : null,
                Spread = Spread > 0 ? new GangSpan(1, Spread) : null,
            })],
            RequiredLevel = Required < 0 ? null : Required,
        },
        Victims = [.. Victims.Select((v, i) => new EvictionVictim($"job{i}", v.Cost, [.. v.Holds.Select(h => new EvictionHold(h.Node, (ulong)h.Gpus))]))],
    };

    public override string ToString() =>
        $"nodes {string.Join(' ', Nodes)} free {string.Join(',', Free)} roles {string.Join(' ', Roles)} required {Required} segment {Segment} spread {Spread} victims {string.Join(' ', Victims.Select(v => $"{v.Cost}:{string.Join(',', v.Holds)}"))}";
}
