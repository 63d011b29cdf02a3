using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Policies;

/// <summary>
/// The scoring of kube-scheduler's NodeResourcesFit over CPU, memory and, for pods that ask for them, GPUs, with weights of 1: the
/// integer mean of integer scores. GPUs count in milli-GPU, so that shares count as what they are. Requests are taken as they stand,
/// where kube-scheduler puts 100m and 200 MB in place of none.
/// </summary>
internal static class AllocatedResources
{
    /// <summary>The mean over the resources that the node has.</summary>
    /// <param name="state">The pod.</param>
    /// <param name="node">The node before the pod.</param>
    /// <param name="pick">The devices that the pod would get.</param>
    /// <param name="score">What is requested with the pod, and the capacity, to 0..100.</param>
    public static int Score(CycleState state, NodeInfo node, in DevicePick pick, Func<long, long, long> score)
    {
        var facts = node.Facts;
        var (sum, resources) = (0L, 0);
        Add(facts.CpuMilli - node.FreeCpuMilli + state.Pod.CpuMilli, facts.CpuMilli);
        Add(facts.MemoryBytes - node.FreeMemoryBytes + state.Pod.MemoryBytes, facts.MemoryBytes);
        if (state.Request.WantsGpu)
        {
            var taken = pick.TakenMilli(state.Request, node) + (SharePacking.WholeCard * pick.MigSlices / facts.MemorySlices);
            Add(node.UsedMilli + taken, (long)facts.UsableGpus * SharePacking.WholeCard);
        }

        return resources == 0 ? 0 : (int)(sum / resources);

        void Add(long requested, long capacity)
        {
            if (capacity > 0)
            {
                sum += requested > capacity ? 0 : score(requested, capacity);
                resources++;
            }
        }
    }
}
