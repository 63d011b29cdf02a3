using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Clusters;

/// <summary>What the engine believes of a cluster's nodes, and sums over it. Worked out once and shared by all runs.</summary>
internal sealed class ClusterFacts
{
    private readonly Dictionary<string, int> _migMilli = new(StringComparer.Ordinal);
    private readonly double _memoryPerGpu;

    /// <summary>Looks at a cluster.</summary>
    public ClusterFacts(ClusterModel cluster)
    {
        Cluster = cluster;
        var snapshot = cluster.ToState(cluster.Nodes).Current;
        Initial = [.. cluster.Nodes.Select(n => snapshot.Find(n.Name)!)];
        Nodes = [.. Initial.Select(n => n.Facts)];
        long memory = 0;
        var known = 0;
        foreach (var node in Nodes)
        {
            Gpus += node.UsableGpus;
            foreach (var gpu in node.Gpus)
            {
                memory += gpu.MemoryMiB;
                known += gpu.MemoryMiB > 0 ? 1 : 0;
            }

            if (node.Geometry is { } geometry)
            {
                foreach (var profile in geometry.Profiles)
                {
                    _migMilli.TryAdd(profile.Name, SharePacking.WholeCard * profile.MemorySlices / geometry.MemorySlices);
                }
            }
        }

        _memoryPerGpu = known > 0 ? (double)memory / known : 0;
        BoundMilli = Initial.Sum(n => (long)n.UsedMilli);
    }

    /// <summary>The cluster.</summary>
    public ClusterModel Cluster { get; }

    /// <summary>The nodes, in the cluster's order.</summary>
    public ImmutableArray<NodeFacts> Nodes { get; }

    /// <summary>GPUs that work.</summary>
    public int Gpus { get; }

    /// <summary>All of them in milli-GPU.</summary>
    public long CapacityMilli => (long)Gpus * SharePacking.WholeCard;

    /// <summary>The nodes with the pods that run there already, in the cluster's order.</summary>
    public ImmutableArray<NodeInfo> Initial { get; }

    /// <summary>What the pods that run already have, in milli-GPU.</summary>
    public long BoundMilli { get; }

    /// <summary>Most GPUs on one node.</summary>
    public int MostGpusOnANode => Nodes.Max(n => n.UsableGpus);

    /// <summary>
    /// What a request amounts to in milli-GPU: a whole GPU is 1000, a MIG device its part of the memory slices, and a share the
    /// larger of its compute and its memory against the cluster's mean card.
    /// </summary>
    public long DemandMilli(GpuRequest request)
    {
        var milli = (long)request.WholeGpus * SharePacking.WholeCard;
        foreach (var mig in request.Mig)
        {
            milli += (long)mig.Count * _migMilli.GetValueOrDefault(mig.Profile);
        }

        if (request.ShareCount > 0)
        {
            milli += (long)request.ShareCount * Math.Max(request.ShareMilli, (int)Math.Ceiling(request.ShareMemoryMilli(_memoryPerGpu)));
        }

        return milli;
    }

    /// <summary>What a pod of a trace amounts to in milli-GPU; a gang, all of it.</summary>
    public long DemandMilli(in TracePod pod) => pod.Members * DemandMilli(pod.Template.Request);

    /// <summary>The smallest MIG profile with so many compute slices that some node offers; null when there is none.</summary>
    public string? MigProfileWith(int computeSlices)
    {
        MigProfile? best = null;
        foreach (var node in Nodes)
        {
            for (var p = 0; p < node.AllocatableMig.Length; p++)
            {
                if (node.AllocatableMig[p] > 0 && node.Geometry?.Profiles[p] is { HasMediaExtensions: false } profile && profile.ComputeSlices == computeSlices
                    && (best is null || profile.MemorySlices < best.MemorySlices))
                {
                    best = profile;
                }
            }
        }

        return best?.Name;
    }
}
