using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>The node has a healthy GPU at all.</summary>
internal sealed class GpuPresence : IFilterPlugin
{
    public string Name => "GpuPresence";

    public Status Filter(CycleState state, NodeInfo node) =>
        (node.Facts.WholeMask | node.Facts.MigMask) == 0 ? Reasons.NoGpu : Status.Success;
}
