namespace GpuScheduler.NodeAgent;

/// <summary>When a report is worth a write. Health does not wait for any of these.</summary>
internal sealed record WritePolicy
{
    /// <summary>Least time between two writes for other changes, so that several go together.</summary>
    public TimeSpan Gap { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Least time between two writes when nothing but memory in use has changed.</summary>
    public TimeSpan MemoryGap { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Part of a GPU's memory by which the memory in use must have changed to be worth a write.</summary>
    public double MemoryPart { get; init; } = 0.05;

    /// <summary>A report is written anew after this time though nothing has changed: somebody may have deleted or edited it.</summary>
    public TimeSpan Refresh { get; init; } = TimeSpan.FromMinutes(30);
}
