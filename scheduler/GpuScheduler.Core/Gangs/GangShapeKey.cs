using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>What a member asks of a node. Members that ask for the same are interchangeable, whichever part of the gang they are of.</summary>
internal readonly record struct GangShapeKey(GpuRequest Request, long CpuMilli, long MemoryBytes, NodeDemands? Demands)
{
    public static GangShapeKey Of(PodInfo pod) => new(pod.Request, pod.CpuMilli, pod.MemoryBytes, pod.Demands);
}
