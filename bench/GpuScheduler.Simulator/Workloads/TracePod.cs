using GpuScheduler.Core.Requests;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>A pod of a trace.</summary>
/// <param name="Name">Name; part of the order of the trace.</param>
/// <param name="Template">What it asks for; equal templates are one object. Its identity is given when it arrives.</param>
/// <param name="ArrivalMs">When it arrives, in milliseconds from any origin; <see cref="NoTime"/> when the trace does not say.</param>
/// <param name="DurationMs">How long it runs, in milliseconds; <see cref="NoTime"/> when the trace does not say.</param>
internal readonly record struct TracePod(string Name, PodInfo Template, long ArrivalMs, long DurationMs)
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
