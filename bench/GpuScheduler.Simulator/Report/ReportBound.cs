namespace GpuScheduler.Simulator.Report;

/// <summary>An upper bound on the allocation that a placement could reach.</summary>
/// <param name="LoadPercent">Arrived load for which it holds, in % of the cluster's GPUs.</param>
/// <param name="AllocationPercent">The bound, in % of the cluster's GPUs; mean of the seeds.</param>
/// <param name="Source">How it was found and what it supposes, in a sentence.</param>
internal readonly record struct ReportBound(double LoadPercent, double AllocationPercent, string Source);
