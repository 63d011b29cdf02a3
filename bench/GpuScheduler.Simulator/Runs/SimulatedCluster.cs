using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
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
    private readonly ClusterFacts _facts;
    private readonly ClusterFragmentation _fragmentation;
    private readonly double _closedFragmentMilli;
    private readonly ClusterState _state;
    private readonly SchedulingEngine _engine;
    private readonly int[] _used;

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
        _engine = new SchedulingEngine(_state, new EngineOptions { Profile = PlacementPolicies.Create(policy, new PolicyContext { TypicalPods = typical, Seed = (ulong)seed }) });

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
            Unplaced += Place(pod with { NodeName = null, Assignment = null, AssignmentError = null }) ? 0 : 1;
        }
    }

    /// <summary>Pods of nodes that were taken away or changed, for which there is no place.</summary>
    public int Unplaced { get; }

    /// <summary>GPU allocated, in milli-GPU.</summary>
    public long UsedMilli { get; private set; }

    /// <summary>Idle GPU that typical pods cannot use, in milli-GPU.</summary>
    public double FragmentMilli => _closedFragmentMilli + _fragmentation.FragmentedMilli(_state.Current);

    /// <summary>Tells the engine of a pod that waits for its turn.</summary>
    public void Announce(PodInfo pod) => _engine.Announce(pod);

    /// <summary>Lets the engine place a pod. False when no node will do.</summary>
    public bool Place(PodInfo pod)
    {
        if (_engine.Schedule(pod).Node is not { } node)
        {
            return false;
        }

        Recount(node);
        return true;
    }

    /// <summary>A pod is over.</summary>
    public void Leave(string uid)
    {
        if (_state.TryGetAllocation(uid, out var allocation))
        {
            _state.DeletePod(uid);
            Recount(allocation.Node);
        }
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
