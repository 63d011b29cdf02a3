using System.Collections.Immutable;
using CsCheck;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Tests;

/// <summary>A small gang of several roles, drawn by chance.</summary>
internal sealed record RoleCase
{
    public required (int Spine, int Rack)[] Nodes { get; init; }

    public required int[] Free { get; init; }

    /// <summary>CPU of each node; a member takes one.</summary>
    public required int[] Cpu { get; init; }

    public required (int Gpus, int Min, int Max, int Spread, int SpreadLevel)[] Roles { get; init; }

    public required int Required { get; init; }

    public required int Preferred { get; init; }

    public required int[] Fixed { get; init; }

    public static Gen<RoleCase> Any { get; } =
        from nodes in Gen.Int[1, 5]
        from places in Gen.Select(Gen.Int[0, 1], Gen.Int[0, 1]).Array[nodes]
        from free in Gen.Int[0, 4].Array[nodes]
        from cpu in Gen.Frequency((2, Gen.Const(9)), (1, Gen.Int[0, 3])).Array[nodes]
        from roles in Gen.Int[1, 3]
        from gpus in Gen.Int[1, 4].Array[roles]
        from max in Gen.Int[1, 3].Array[roles]
        from slack in Gen.Frequency((3, Gen.Const(0)), (1, Gen.Int[1, 2])).Array[roles]
        from spread in Gen.Frequency((4, Gen.Const(0)), (1, Gen.Int[1, 2])).Array[roles]
        from spreadLevel in Gen.Int[0, 3].Array[roles]
        from required in Gen.Int[-1, 3]
        from preferred in Gen.Frequency((3, Gen.Const(-1)), (1, Gen.Int[0, 3]))
        from isFixed in Gen.Frequency((4, Gen.Const(false)), (1, Gen.Const(true)))
        from held in Gen.Frequency((2, Gen.Const(0)), (1, Gen.Int[1, 1])).Array[nodes]
        select new RoleCase
        {
            Nodes = [.. places.Select(p => (p.Item1, p.Item2))],
            Free = free,
            Cpu = cpu,
            Roles = [.. Enumerable.Range(0, roles).Select(r => (gpus[r], Math.Max(0, max[r] - slack[r]), max[r], spread[r], spreadLevel[r]))],
            Required = required,
            Preferred = preferred,
            Fixed = isFixed ? held : new int[nodes],
        };

    public GangProblem Problem() => new()
    {
        Topology = Clusters.Build(Nodes),
        Capacity = new WholeGpuCapacity([.. Roles.Select(r => new WholeGpuDemand(r.Gpus, CpuMilli: 1))], Free, [.. Cpu.Select(c => (long)c)]),
        Roles = [.. Roles.Select((r, i) => new GangRole { Name = $"role{i}", Min = r.Min, Max = r.Max, Gpus = r.Gpus, Spread = r.Spread > 0 ? new GangSpan(r.SpreadLevel, r.Spread) : null })],
        RequiredLevel = Required < 0 ? null : Required,
        PreferredLevel = Preferred < 0 ? null : Preferred,
        Fixed = [.. Fixed.Select((n, i) => new GangSlot(0, i, n)).Where(s => s.Members > 0)],
    };

    public override string ToString() =>
        $"nodes {string.Join(' ', Nodes)} free {string.Join(',', Free)} cpu {string.Join(',', Cpu)} roles {string.Join(' ', Roles)} required {Required} preferred {Preferred} fixed {string.Join(',', Fixed)}";
}
