namespace GpuScheduler.Simulator.Report;

/// <summary>A point of allocation over time.</summary>
/// <param name="Seconds">Simulated time since the start of the run.</param>
/// <param name="AllocationPercent">Allocated share of the cluster's GPUs in %.</param>
internal readonly record struct TimePoint(double Seconds, double AllocationPercent);
