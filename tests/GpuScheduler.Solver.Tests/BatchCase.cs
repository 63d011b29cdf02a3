using CsCheck;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Tests;

/// <summary>A few gangs on a few nodes, drawn by chance.</summary>
internal sealed record BatchCase
{
    public required (int Spine, int Rack)[] Nodes { get; init; }

    public required int[] Free { get; init; }

    /// <summary>Nodes that gangs with a model may use.</summary>
    public required bool[] Modern { get; init; }

    public required BatchCaseGang[] Gangs { get; init; }

    public static Gen<BatchCase> Any { get; } = Of(Gen.Int[0, 3].Select(log => 1 << log));

    /// <summary>Sizes of which some do not divide others.</summary>
    public static Gen<BatchCase> Awkward { get; } = Of(Gen.Int[1, 6]);

    public override string ToString() => $"nodes {string.Join(' ', Nodes)} free {string.Join(',', Free)} modern {string.Join(',', Modern)} gangs {string.Join(' ', (object[])Gangs)}";

    public GangBatch Batch() => new()
    {
        Topology = Clusters.Build(Nodes),
        Capacity = new WholeGpuCapacity([.. Gangs.SelectMany(g => g.Roles).Select(r => new WholeGpuDemand(r.Gpus, Allowed: r.WantsModern ? Modern : null))], Free),
        Gangs = [.. Gangs.Select((g, i) => new BatchGang
        {
            Name = $"gang{i}",
            Weight = g.Weight,
            Roles = [.. g.Roles.Select((r, j) => new GangRole { Name = $"role{j}", Min = r.Members, Max = r.Members + r.More, Gpus = r.Gpus })],
            RequiredLevel = g.Required < 0 ? null : g.Required,
        })],
    };

    private static Gen<BatchCase> Of(Gen<int> gpus) =>
        from nodes in Gen.Int[1, 5]
        from places in Gen.Select(Gen.Int[0, 1], Gen.Int[0, 1]).Array[nodes]
        from free in Gen.Int[0, 8].Array[nodes]
        from modern in Gen.Frequency((3, Gen.Const(true)), (1, Gen.Const(false))).Array[nodes]
        from gangs in Gang(gpus).Array[1, 4]
        select new BatchCase { Nodes = [.. places.Select(p => (p.Item1, p.Item2))], Free = free, Modern = modern, Gangs = gangs };

    private static Gen<BatchCaseGang> Gang(Gen<int> gpus) =>
        from weight in Gen.Int[1, 9]
        from required in Gen.Int[-1, 3]
        from roles in Role(gpus).Array[1, 2]
        select new BatchCaseGang(weight, required, roles);

    private static Gen<BatchCaseRole> Role(Gen<int> gpus) =>
        from each in gpus
        from members in Gen.Int[1, 3]
        from more in Gen.Frequency((3, Gen.Const(0)), (1, Gen.Int[1, 2]))
        from wantsModern in Gen.Frequency((3, Gen.Const(false)), (1, Gen.Const(true)))
        select new BatchCaseRole(each, members, more, wantsModern);
}
