using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>One pod on its way through the plugins, with what is found out once a request rather than once a node.</summary>
public sealed class CycleState
{
    private readonly sbyte[] _modelAllowed;

    /// <summary>Begins a cycle for a pod.</summary>
    public CycleState(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        Pod = pod;
        _modelAllowed = !pod.Request.LimitsModels ? [] : new sbyte[ProductIds.Count];
    }

    /// <summary>The pod.</summary>
    public PodInfo Pod { get; }

    /// <summary>What it asks for.</summary>
    public GpuRequest Request => Pod.Request;

    /// <summary>True when the product of a node is among the models asked for.</summary>
    public bool AllowsModelOf(NodeFacts node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (!Request.LimitsModels)
        {
            return true;
        }

        if (node.ProductId >= _modelAllowed.Length)
        {
            return Request.AllowsModel(node.Product);
        }

        ref var verdict = ref _modelAllowed[node.ProductId];
        if (verdict == 0)
        {
            verdict = (sbyte)(Request.AllowsModel(node.Product) ? 1 : -1);
        }

        return verdict > 0;
    }
}
