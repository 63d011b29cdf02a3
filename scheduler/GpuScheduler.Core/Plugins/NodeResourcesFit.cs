using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>
/// The node has the CPU, the memory and the place for one more pod. kube-scheduler checks this itself before it asks an extender,
/// so that the service's profile goes without; whoever decides alone needs it (<see cref="Profile.WithNodeResources"/>).
/// </summary>
internal sealed class NodeResourcesFit : IPodFilter
{
    public string Name => "NodeResourcesFit";

    public Status Filter(CycleState state, NodeInfo node)
    {
        var status = FilterShape(state, node);
        return !status.IsSuccess || Has(node.FreeMemoryBytes, state.Pod.MemoryBytes) ? status
            : state.Pod.MemoryBytes > node.Facts.MemoryBytes ? Reasons.TooLittleMemory
            : node.HasTentative && Has(node.Firm.FreeMemoryBytes, state.Pod.MemoryBytes) ? Reasons.Held
            : Reasons.LittleFreeMemory;
    }

    public Status FilterShape(CycleState state, NodeInfo node) =>
        !Has(node.FreeCpuMilli, state.Pod.CpuMilli)
            ? state.Pod.CpuMilli > node.Facts.CpuMilli ? Reasons.TooLittleCpu
                : node.HasTentative && Has(node.Firm.FreeCpuMilli, state.Pod.CpuMilli) ? Reasons.Held
                : Reasons.LittleFreeCpu
        : node.Facts.MostPods is not { } most || node.Allocations.Length < most ? Status.Success
        : node.HasTentative && node.Firm.Allocations.Length < most ? Reasons.Held
        : Reasons.ManyPods;

    /// <summary>As kube-scheduler has it: who asks for none of a resource may go where it is overcommitted.</summary>
    private static bool Has(long free, long asked) => asked == 0 || asked <= free;
}
