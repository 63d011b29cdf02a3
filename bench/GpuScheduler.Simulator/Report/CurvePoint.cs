namespace GpuScheduler.Simulator.Report;

/// <summary>A point of a fill-up curve.</summary>
/// <param name="LoadPercent">Arrived load, failed pods included, in % of the cluster's GPUs.</param>
/// <param name="AllocationPercent">Allocated share of the cluster's GPUs in %.</param>
/// <param name="FragmentationPercent">Share of the idle GPU capacity that the typical pods cannot use, in %; null when not measured.</param>
internal readonly record struct CurvePoint(double LoadPercent, double AllocationPercent, double? FragmentationPercent = null);
