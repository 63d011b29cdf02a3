using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>
/// The node has the CPU, the memory and the place for one more pod. kube-scheduler checks this itself before it asks an extender,
/// so that the service's profile goes without; whoever decides alone needs it (<see cref="Profile.WithNodeResources"/>).
/// </summary>
internal sealed class NodeResourcesFit : IFilterPlugin
{
    public string Name => "NodeResourcesFit";

    public Status Filter(CycleState state, NodeInfo node)
    {
        var now = Check(state, node);
        return now.IsSuccess || !node.HasTentative || !Check(state, node.Firm).IsSuccess ? now : Reasons.Held;
    }

    private static Status Check(CycleState state, NodeInfo node)
    {
        var pod = state.Pod;
        return !Has(node.FreeCpuMilli, pod.CpuMilli) ? pod.CpuMilli > node.Facts.CpuMilli ? Reasons.TooLittleCpu : Reasons.LittleFreeCpu
            : !Has(node.FreeMemoryBytes, pod.MemoryBytes) ? pod.MemoryBytes > node.Facts.MemoryBytes ? Reasons.TooLittleMemory : Reasons.LittleFreeMemory
            : node.Facts.MostPods is { } most && node.Allocations.Length >= most ? Reasons.ManyPods
            : Status.Success;
    }

    /// <summary>As kube-scheduler has it: who asks for none of a resource may go where it is overcommitted.</summary>
    private static bool Has(long free, long asked) => asked == 0 || asked <= free;
}
