using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Shadow;

/// <summary>A pod that has arrived since a shadow began: it is where the shadow put it, or waits there.</summary>
public sealed class ShadowPod
{
    internal ShadowPod(PodInfo pod, long order) => (Pod, Order, Priority) = (pod, order, pod.Priority);

    /// <summary>The pod as it was last seen, on no node.</summary>
    public PodInfo Pod { get; internal set; }

    /// <summary>The node that the shadow gave it; null while it waits.</summary>
    public string? Node { get; internal set; }

    /// <summary>True once the shadow had no place for it, if only for a while.</summary>
    public bool WasRefused { get; internal set; }

    /// <summary>How many had arrived before it.</summary>
    internal long Order { get; }

    /// <summary>Its priority when it arrived.</summary>
    internal int Priority { get; }
}
