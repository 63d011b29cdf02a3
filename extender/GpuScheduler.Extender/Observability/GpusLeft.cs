using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Extender.Observability;

/// <summary>What is left on the healthy GPUs that are not used up, by what can be made of it.</summary>
internal sealed class GpusLeft
{
    /// <summary>Of it a pod can be given a whole GPU.</summary>
    public const string Whole = "whole";

    /// <summary>The GPU is shared, and there is room for more shares.</summary>
    public const string Share = "share";

    /// <summary>A MIG device is free.</summary>
    public const string Mig = "mig";

    /// <summary>
    /// No pod can be given it as the node stands: it is cordoned, has no CPU or memory left or is being changed; it announces fewer GPUs than
    /// it has; or no MIG device and no share can be made of what is left.
    /// </summary>
    public const string Stranded = "stranded";

    /// <summary>What the cordon of a node looks like among its taints. Source: k8s.io/api/core/v1 TaintNodeUnschedulable.</summary>
    private const string Cordon = "node.kubernetes.io/unschedulable";

    private readonly Dictionary<string, (int Gpus, long Milli)> _left = new(StringComparer.Ordinal) { [Whole] = default, [Share] = default, [Mig] = default, [Stranded] = default };

    private GpusLeft()
    {
    }

    /// <summary>GPUs, and what is left on them in milli-GPU, by kind; all four kinds.</summary>
    public IReadOnlyDictionary<string, (int Gpus, long Milli)> ByKind => _left;

    /// <summary>Looks at all nodes of a snapshot.</summary>
    public static GpusLeft Of(Snapshot snapshot)
    {
        var result = new GpusLeft();
        foreach (var node in snapshot.Nodes)
        {
            if (node is not null)
            {
                result.Add(node);
            }
        }

        return result;
    }

    private void Add(NodeInfo node)
    {
        var facts = node.Facts;
        var open = facts.Closed is null
            && (facts.CpuMilli <= 0 || node.FreeCpuMilli > 0) && (facts.MemoryBytes <= 0 || node.FreeMemoryBytes > 0)
            && !facts.Taints.Any(t => t.Key == Cordon);
        var whole = node.FreeGpus;
        for (var i = 0; i < node.Use.Length; i++)
        {
            if (!facts.Gpus[i].Healthy || node.Use[i].Whole)
            {
                continue;
            }

            var (kind, milli) = LeftOn(node, i, ref whole);
            if (milli > 0)
            {
                ref var sum = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrNullRef(_left, open ? kind : Stranded);
                sum = (sum.Gpus + 1, sum.Milli + milli);
            }
        }
    }

    /// <param name="node">The node.</param>
    /// <param name="gpu">Position of the GPU.</param>
    /// <param name="whole">How many more GPUs the node hands out whole.</param>
    private static (string Kind, long Milli) LeftOn(NodeInfo node, int gpu, ref int whole)
    {
        ref readonly var use = ref node.Use[gpu];
        var bit = 1UL << gpu;
        if (node.Facts.Gpus[gpu].Mig != MigMode.Disabled)
        {
            var slices = node.Facts.MemorySlices;
            var taken = use.MigMask;
            var instances = node.Facts.Gpus[gpu].Instances;
            var free = instances.IsEmpty ? node.FreeMig.ContainsAnyExceptInRange(int.MinValue, 0) : instances.Any(d => (d.Placement.Mask & taken) == 0);
            return (free ? Mig : Stranded, (long)SharePacking.WholeCard * (slices - BitOperations.PopCount(taken)) / slices);
        }

        if (use.Shares > 0)
        {
            return ((node.ShareMask & bit) != 0 ? Share : Stranded, node.FreeCards[gpu]);
        }

        return ((node.IdleMask & bit) != 0 && whole-- > 0 ? Whole : Stranded, SharePacking.WholeCard);
    }
}
