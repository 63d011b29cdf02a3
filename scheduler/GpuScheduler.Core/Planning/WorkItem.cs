using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Planning;

/// <summary>What is placed as one: a gang, or a pod that is in none.</summary>
/// <param name="Gang">The gang; null for a single pod.</param>
/// <param name="Pods">The pods that need a place; of a gang those that have none.</param>
public sealed record WorkItem(GangKey? Gang, ImmutableArray<PodInfo> Pods)
{
    /// <summary>namespace/name of the gang or the pod.</summary>
    public string Name => Gang?.ToString() ?? Pods[0].ToString();

    /// <summary>Its priority: of a gang the lowest of its pods'.</summary>
    public int Priority => Pods.Min(p => p.Priority);

    /// <summary>Devices that its pods ask for.</summary>
    public long Devices => Pods.Sum(p => (long)p.Request.DeviceCount);
}
