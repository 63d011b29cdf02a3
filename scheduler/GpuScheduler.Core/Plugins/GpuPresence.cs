using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>For a pod that wants GPUs: the node has a healthy one at all.</summary>
internal sealed class GpuPresence : IFilterPlugin
{
    public string Name => "GpuPresence";

    public Status Filter(CycleState state, NodeInfo node) =>
        state.Request.WantsGpu && (node.Facts.WholeMask | node.Facts.MigMask) == 0 ? Reasons.NoGpu : Status.Success;
}
