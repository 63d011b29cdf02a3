using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Plugins;

/// <summary>
/// The node is one that the pod's node selector, required node affinity and tolerations allow. kube-scheduler checks this itself before it
/// asks an extender; where it stands before nobody, this does, as far as it is known (<see cref="Profile.WithNodeDemands"/>).
/// </summary>
internal sealed class NodeDemandsFit : IFilterPlugin
{
    public string Name => "NodeDemandsFit";

    public Status Filter(CycleState state, NodeInfo node) => NodeDemands.Allow(state.Pod.Demands, node.Facts) ? Status.Success : Reasons.NodeNotAllowed;
}
