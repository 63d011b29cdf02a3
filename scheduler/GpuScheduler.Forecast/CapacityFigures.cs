namespace GpuScheduler.Forecast;

/// <summary>What a way to order capacity came to.</summary>
/// <param name="Way">The way, in words.</param>
/// <param name="DemandedGpuHours">GPU-hours that were demanded.</param>
/// <param name="ShortGpuHours">GPU-hours of demand without capacity.</param>
/// <param name="IdleGpuHours">GPU-hours of capacity without demand.</param>
/// <param name="ShortShare">Part of the steps with any demand that lacked capacity, 0 to 1.</param>
public sealed record CapacityFigures(string Way, double DemandedGpuHours, double ShortGpuHours, double IdleGpuHours, double ShortShare);
