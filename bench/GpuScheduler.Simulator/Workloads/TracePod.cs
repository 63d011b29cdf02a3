using GpuScheduler.Core.Requests;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>A pod of a trace, or a gang of pods that are alike and start together.</summary>
/// <param name="Name">Name; part of the order of the trace.</param>
/// <param name="Template">What it, or each member, asks for. Those that are equal, and come in gangs of one size, are one object. Its identity is given when it arrives.</param>
/// <param name="ArrivalMs">When it arrives, in milliseconds from any origin; <see cref="NoTime"/> when the trace does not say.</param>
/// <param name="DurationMs">How long it runs, in milliseconds; <see cref="NoTime"/> when the trace does not say.</param>
/// <param name="Members">How many pods: 1 for a pod by itself.</param>
internal readonly record struct TracePod(string Name, PodInfo Template, long ArrivalMs, long DurationMs, int Members = 1)
{
    /// <summary>A time that is not known.</summary>
    public const long NoTime = -1;

    /// <summary>A pod without an identity.</summary>
    public static PodInfo TemplateOf(GpuRequest request, long cpuMilli, long memoryBytes, int priority = 0) => new()
    {
        Uid = "template",
        Namespace = "default",
        Name = "template",
        Request = request,
        CpuMilli = cpuMilli,
        MemoryBytes = memoryBytes,
        Priority = priority,
    };
}
