using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Report;

namespace GpuScheduler.Simulator.Runs;

/// <summary>
/// A cluster in a run: the engine that decides, and sums over its nodes that are kept up to date with every change. Everything that
/// is decided, which node and which cards, is the engine's; this only counts.
/// </summary>
internal sealed class SimulatedCluster
{
    /// <summary>The name of the level of which it is told over how many domains gangs are spread.</summary>
    private const string Rack = "rack";

    private readonly ClusterFacts _facts;
    private readonly ClusterFragmentation _fragmentation;
    private readonly double _closedFragmentMilli;
    private readonly ClusterState _state;
    private readonly SchedulingEngine _engine;
    private readonly int[] _used;
    private readonly bool _oneByOne;

    /// <summary>Sets a cluster up.</summary>
    /// <param name="facts">The cluster.</param>
    /// <param name="order">Positions of its nodes, best first.</param>
    /// <param name="policy">Name of the policy.</param>
    /// <param name="typical">Typical pods for the policy; null for a policy that learns them.</param>
    /// <param name="measure">Typical pods by which fragmentation is measured.</param>
    /// <param name="seed">Seed of what the policy leaves to chance.</param>
    public SimulatedCluster(ClusterFacts facts, IReadOnlyList<int> order, string policy, TypicalPods? typical, TypicalPods measure, long seed)
    {
        _facts = facts;
        _fragmentation = new ClusterFragmentation(measure);
        var cluster = facts.Cluster;
        var open = order.Where(i => !cluster.Cordoned.Contains(cluster.Nodes[i].Name)).ToList();
        var closed = order.Where(i => cluster.Cordoned.Contains(cluster.Nodes[i].Name)).ToList();

        // The engine takes the first of equal nodes, and a new cluster counts its nodes as they are added.
        _state = cluster.ToState([.. open.Select(i => cluster.Nodes[i])]);
        _engine = new SchedulingEngine(_state, new EngineOptions
        {
            Profile = PlacementPolicies.Create(policy, new PolicyContext { TypicalPods = typical, Seed = (ulong)seed }),
            Gangs = PlacementPolicies.GangPlacer(policy) is { } placer ? new GangOptions { Placer = placer } : null,
        });
        _oneByOne = policy == PlacementPolicies.PodByPod;
        var topology = _state.Current.Topology;
        RackLevel = topology.FindLevel(Rack) is >= 0 and var rack ? rack : topology.ClusterLevel > 1 ? 1 : null;

        var nodes = _state.Current.Nodes;
        _used = new int[nodes.Length];
        for (var i = 0; i < nodes.Length; i++)
        {
            Count(i, nodes[i]!);
        }

        foreach (var i in closed)
        {
            UsedMilli += facts.Initial[i].UsedMilli;
            _closedFragmentMilli += measure.FragmentedMilli(facts.Initial[i]);
        }

        foreach (var pod in cluster.Displaced)
        {
            Unplaced += PlaceOne(pod with { NodeName = null, Assignment = null, AssignmentError = null }) ? 0 : 1;
        }
    }

    /// <summary>Pods of nodes that were taken away or changed, for which there is no place.</summary>
    public int Unplaced { get; }

    /// <summary>GPU allocated, in milli-GPU.</summary>
    public long UsedMilli { get; private set; }

    /// <summary>Idle GPU that typical pods cannot use, in milli-GPU.</summary>
    public double FragmentMilli => _closedFragmentMilli + _fragmentation.FragmentedMilli(_state.Current);

    /// <summary>What pods hold whose gang does not run yet, in milli-GPU: part of <see cref="UsedMilli"/>.</summary>
    public long HeldMilli { get; private set; }

    /// <summary>The level of the network that is counted as racks; null when the cluster has none above the nodes.</summary>
    public int? RackLevel { get; }

    /// <summary>Tells the engine of what waits for its turn.</summary>
    public void Announce(Arrival arrival)
    {
        foreach (var pod in arrival.Pods)
        {
            _engine.Announce(pod);
        }
    }

    /// <summary>
    /// Lets the engine place a pod, or a gang. False when it cannot start; then it holds nothing, but where members are placed one by one.
    /// </summary>
    public bool Place(Arrival arrival)
    {
        if (!arrival.IsGang)
        {
            return PlaceOne(arrival.Pods[0]);
        }

        if (_oneByOne)
        {
            return PlaceOneByOne(arrival);
        }

        if (!_engine.ScheduleGang(arrival.Pods).IsPlaced)
        {
            return false;
        }

        foreach (var pod in arrival.Pods)
        {
            Recount(NodeOf(pod)!);
        }

        return true;
    }

    /// <summary>What arrived is over.</summary>
    public void Leave(Arrival arrival)
    {
        foreach (var pod in arrival.Pods)
        {
            var node = NodeOf(pod);
            _state.DeletePod(pod.Uid);
            if (node is not null)
            {
                Recount(node);
            }
        }
    }

    /// <summary>Domains of a level over which the pods of an arrival are spread.</summary>
    public int DomainsOf(Arrival arrival, int level)
    {
        var snapshot = _state.Current;
        return arrival.Pods.Select(p => snapshot.Topology.DomainOf(level, snapshot.Index.Find(NodeOf(p)!))).Distinct().Count();
    }

    /// <summary>GPUs of which any part is allocated.</summary>
    public int CardsInUse() => Nodes().Sum(n =>
    {
        var used = 0;
        foreach (ref readonly var use in n.Use)
        {
            used += use.IsIdle ? 0 : 1;
        }

        return used;
    });

    /// <summary>What is left on each GPU that works, in milli-GPU, GPUs that are full left out.</summary>
    public IReadOnlyList<int> FreeCards() => [.. Nodes().SelectMany(n => Enumerable.Range(0, n.Facts.Gpus.Length).Where(g => n.Facts.Gpus[g].Healthy).Select(g => SharePacking.WholeCard - n.UsedMilliOf(g))).Where(free => free > 0)];

    /// <summary>The nodes as they are now.</summary>
    public ClusterMap ToMap(long seed) => new()
    {
        Seed = seed,
        Nodes = [.. Nodes().Select(n => new MapNode
        {
            Name = n.Facts.Name,
            Group = n.Facts.Product,
            CpuMilli = n.Facts.CpuMilli,
            FreeCpuMilli = n.FreeCpuMilli,
            Condition = _facts.Cluster.Cordoned.Contains(n.Facts.Name) ? NodeCondition.Cordoned
                : !n.Facts.Gpus.IsEmpty && n.Facts.UsableGpus == 0 ? NodeCondition.Unhealthy
                : NodeCondition.Ready,
            Cards = [.. Enumerable.Range(0, n.Facts.Gpus.Length).Select(g => new MapCard(n.UsedMilliOf(g), n.Facts.Gpus[g].Healthy) { Slices = SlicesOf(n, g) })],
        })],
    };

    private bool PlaceOne(PodInfo pod)
    {
        if (_engine.Schedule(pod).Node is not { } node)
        {
            return false;
        }

        Recount(node);
        return true;
    }

    private bool PlaceOneByOne(Arrival arrival)
    {
        var before = UsedMilli;
        while (arrival.Held < arrival.Pods.Length && PlaceOne(arrival.Pods[arrival.Held]))
        {
            arrival.Held++;
        }

        HeldMilli += UsedMilli - before;
        arrival.HeldMilli += UsedMilli - before;
        if (arrival.Held < arrival.Pods.Length)
        {
            return false;
        }

        HeldMilli -= arrival.HeldMilli;
        return true;
    }

    private string? NodeOf(PodInfo pod) => _state.TryGetAllocation(pod.Uid, out var allocation) ? allocation.Node : null;

    private static IReadOnlyList<MapSlice> SlicesOf(NodeInfo node, int gpu)
    {
        var slices = node.Facts.MemorySlices;
        MapSlice Slice(MigPlacement at, bool used) => new(at.Profile, SharePacking.WholeCard * at.Start / slices, SharePacking.WholeCard * at.Size / slices, used);
        return node.Facts.Gpus[gpu].Mig switch
        {
            MigMode.Fixed => [.. node.Facts.Gpus[gpu].Instances.Select(i => Slice(i.Placement, (node.Use[gpu].MigMask & i.Placement.Mask) != 0))],
            MigMode.OnDemand => [.. node.Allocations.SelectMany(a => a.Devices.Devices).Where(d => d.Gpu == gpu && d.Mig is not null).Select(d => Slice(d.Mig!.Value, true))],
            _ => [],
        };
    }

    /// <summary>All nodes, closed ones included, in the cluster's order.</summary>
    private IEnumerable<NodeInfo> Nodes()
    {
        var snapshot = _state.Current;
        return _facts.Initial.Select(n => snapshot.Find(n.Facts.Name) ?? n);
    }

    private void Recount(string node)
    {
        var snapshot = _state.Current;
        var position = snapshot.Index.Find(node);
        Count(position, snapshot.Nodes[position]!);
    }

    private void Count(int position, NodeInfo node)
    {
        UsedMilli += node.UsedMilli - _used[position];
        _used[position] = node.UsedMilli;
    }
}
