namespace GpuScheduler.Simulator.Workloads;

/// <summary>A pod that arrives at a time and runs for a time.</summary>
/// <param name="Pod">Position in the trace.</param>
/// <param name="AtMs">When it arrives, in milliseconds from the first arrival.</param>
/// <param name="DurationMs">How long it runs once it has started, in milliseconds.</param>
internal readonly record struct TimedArrival(int Pod, long AtMs, long DurationMs);
