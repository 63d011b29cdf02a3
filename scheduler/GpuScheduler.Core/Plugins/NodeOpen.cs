using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>For a pod that wants GPUs: the node's MIG layout is not being changed.</summary>
internal sealed class NodeOpen : IFilterPlugin
{
    public string Name => "NodeOpen";

    public Status Filter(CycleState state, NodeInfo node) =>
        node.Facts.Closed is { } why && state.Request.WantsGpu ? why : Status.Success;
}
