using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Solver.Batch;
using GpuScheduler.Solver.Roles;

namespace GpuScheduler.Solver.Eviction;

/// <summary>An eviction problem, arranged by node.</summary>
internal sealed class EvictionCase
{
    private readonly GangProblem _needed;
    private readonly TreeGangPlacer _tree;
    private readonly bool _isSimple;
    private readonly int[] _roomAtMost; // by role and place

    public EvictionCase(EvictionProblem problem, TreeGangPlacer tree)
    {
        _tree = tree;
        Gang = problem.Gang;
        Capacity = (WholeGpuCapacity)Gang.Capacity;
        _needed = Gang with { Roles = BatchLedger.Needed(new BatchGang { Name = "", Weight = 1, Roles = Gang.Roles }) };
        var held = new int[Gang.Roles.Length];
        foreach (var slot in Gang.Fixed)
        {
            held[slot.Role] += slot.Members;
        }

        Least = [.. _needed.Roles.Select((r, i) => Math.Max(0, r.Min - held[i]))];
        Costs = [.. problem.Victims.Select(v => v.Cost)];
        Hungriest = Enumerable.Range(0, Least.Length).MaxBy(r => (Least[r] > 0, (long)Capacity.Demands[r].Gpus * Least[r]));
        _isSimple = Gang.Roles.Length == 1 && Gang.Roles[0] is { Segment: null, Spread: null };
        var order = Gang.Topology.Order;
        Nodes = new EvictionNode[order.Length];
        for (var place = 0; place < order.Length; place++)
        {
            var position = order[place];
            Nodes[place] = new EvictionNode(place, Math.Max(0, Capacity.Gpus[position]), Capacity.CpuMilli.IsEmpty ? long.MaxValue : Capacity.CpuMilli[position], Capacity.MemoryBytes.IsEmpty ? long.MaxValue : Capacity.MemoryBytes[position], []);
        }

        for (var victim = 0; victim < Costs.Length; victim++)
        {
            foreach (var hold in problem.Victims[victim].Holds)
            {
                Nodes[Gang.Topology.PlaceOf(hold.Position)].Holds.Add(new EvictionNode.Hold(victim, hold.Gpus, hold.CpuMilli, hold.MemoryBytes));
            }
        }

        var everybody = new bool[Costs.Length];
        Array.Fill(everybody, true);
        _roomAtMost = new int[Least.Length * Nodes.Length];
        for (var role = 0; role < Least.Length; role++)
        {
            foreach (var node in Nodes)
            {
                _roomAtMost[(role * Nodes.Length) + node.Place] = Room(role, node, everybody);
            }
        }
    }

    /// <summary>The gang as it was asked for.</summary>
    public GangProblem Gang { get; }

    /// <summary>The gang with just the members that it needs.</summary>
    public GangProblem Needed => _needed;

    /// <summary>The network.</summary>
    public NetworkTopology Topology => Gang.Topology;

    /// <summary>What is free as it is.</summary>
    public WholeGpuCapacity Capacity { get; }

    /// <summary>Members to be placed, by role.</summary>
    public int[] Least { get; }

    /// <summary>What each victim costs.</summary>
    public long[] Costs { get; }

    /// <summary>The role that needs the most GPUs.</summary>
    public int Hungriest { get; }

    /// <summary>The nodes in the tree's order.</summary>
    public EvictionNode[] Nodes { get; }

    /// <summary>Members of a role that fit on a node, alone, when everybody is gone.</summary>
    public int RoomAtMost(int role, EvictionNode node) => _roomAtMost[(role * Nodes.Length) + node.Place];

    /// <summary>Members of a role that fit on a node, alone, when some are gone; no more than are needed.</summary>
    public int Room(int role, EvictionNode node, bool[] evicted)
    {
        var demand = Capacity.Demands[role];
        if (demand.Allowed is { } allowed && !allowed[Topology.Order[node.Place]])
        {
            return 0;
        }

        var (cpu, memory) = node.RestWithout(evicted);
        return (int)Math.Max(0, Math.Min(Math.Min(Times(node.GpusWithout(evicted), demand.Gpus, role), Times(cpu, demand.CpuMilli, role)), Times(memory, demand.MemoryBytes, role)));
    }

    /// <summary>True when the gang fits into a domain once some are gone. With several roles it may err towards no.</summary>
    public bool Fits(EvictionDomain domain, bool[] evicted, SolveLimit limit)
    {
        if (_isSimple)
        {
            var room = 0;
            foreach (var node in domain.Nodes)
            {
                room += Room(0, node, evicted);
                if (room >= Least[0])
                {
                    return true;
                }
            }

            return false;
        }

        var problem = Within(domain, evicted);
        return Gang.Roles.Length == 1
            ? _tree.Place(problem, limit).IsPlaced
            : new RolePlacer(problem, new GreedyRoleSearch(), limit).Place().IsPlaced;
    }

    /// <summary>The gang on the cluster once some are gone.</summary>
    public GangProblem Without(GangProblem gang, bool[] evicted) => gang with { Capacity = CapacityWithout(evicted, Capacity.Demands) };

    /// <summary>The gang's need on the nodes of one domain once some are gone.</summary>
    private GangProblem Within(EvictionDomain domain, bool[] evicted)
    {
        var inside = new bool[Topology.Positions];
        foreach (var node in domain.Nodes)
        {
            inside[Topology.Order[node.Place]] = true;
        }

        var demands = Capacity.Demands.Select(d => d with { Allowed = d.Allowed is { } allowed ? [.. inside.Zip(allowed, static (a, b) => a && b)] : inside });
        return _needed with { Capacity = CapacityWithout(evicted, [.. demands]) };
    }

    private WholeGpuCapacity CapacityWithout(bool[] evicted, ImmutableArray<WholeGpuDemand> demands)
    {
        var gpus = Capacity.Gpus.ToArray();
        var cpu = Capacity.CpuMilli.IsEmpty ? null : Capacity.CpuMilli.ToArray();
        var memory = Capacity.MemoryBytes.IsEmpty ? null : Capacity.MemoryBytes.ToArray();
        foreach (var node in Nodes)
        {
            if (node.Holds.Count == 0)
            {
                continue;
            }

            var position = Topology.Order[node.Place];
            gpus[position] = node.GpusWithout(evicted);
            var rest = node.RestWithout(evicted);
            if (cpu is not null)
            {
                cpu[position] = rest.CpuMilli;
            }

            if (memory is not null)
            {
                memory[position] = rest.MemoryBytes;
            }
        }

        return new WholeGpuCapacity(demands, gpus, cpu, memory);
    }

    private long Times(long free, long each, int role) => each > 0 ? Math.Min(free / each, Least[role]) : free < 0 ? 0 : Least[role];
}
