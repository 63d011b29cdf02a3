using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Planning;

/// <summary>
/// So many nodes at least have to be added, whatever they are: by counting whole GPUs. Of pods with t GPUs or more a node with f free ones
/// takes f/t at most, and all of them together take no more GPUs than are free.
/// </summary>
internal static class LeastNodes
{
    /// <summary>The bound; 0 when nothing is known.</summary>
    /// <param name="items">What is to have a place. Of a gang with fewer needed members than pods the smallest count.</param>
    /// <param name="cluster">The cluster before any of them has its place.</param>
    /// <param name="most">GPUs of the largest node that can be added.</param>
    public static int For(IEnumerable<WorkItem> items, ClusterState cluster, int most)
    {
        if (most == 0)
        {
            return 0;
        }

        var sizes = items.SelectMany(i => Needed(i, cluster)).Where(s => s > 0).ToList();
        var free = cluster.Current.Nodes.OfType<NodeInfo>().Select(n => n.FreeGpus).ToList();
        var least = Divide(sizes.Sum(s => (long)s) - free.Sum(f => (long)f), most);
        for (var size = 1; size <= most; size++)
        {
            least = Math.Max(least, Divide(sizes.Count(s => s >= size) - free.Sum(f => (long)f / size), most / size));
        }

        return (int)Math.Min(least, int.MaxValue);
    }

    private static IEnumerable<int> Needed(WorkItem item, ClusterState cluster)
    {
        var sizes = item.Pods.Select(p => p.Request.WholeGpus);
        if (item.Gang is not { } key || cluster.FindGroup(key) is not { } group)
        {
            return sizes;
        }

        return sizes.Order().Take(Math.Max(0, group.MinMembers - (group.Members.Length - item.Pods.Length)));
    }

    private static long Divide(long dividend, long divisor) => Math.Max(0, (dividend + divisor - 1) / divisor);
}
