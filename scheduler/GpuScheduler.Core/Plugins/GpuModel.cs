using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>The node's product is among those that gpu-model allows, and not among those that the pod avoids.</summary>
internal sealed class GpuModel : IFilterPlugin
{
    public string Name => "GpuModel";

    public Status Filter(CycleState state, NodeInfo node) => state.AllowsModelOf(node.Facts) ? Status.Success : Reasons.Model;
}
