namespace GpuScheduler.Simulator.Runs;

/// <summary>A point of a fill-up curve: means over the records whose arrived load rounds to it.</summary>
/// <param name="Load">Arrived GPU load in % of the cluster's GPUs, failed pods included.</param>
/// <param name="Records">How many records that are.</param>
/// <param name="Allocation">Allocated share of the cluster's GPUs in %.</param>
/// <param name="IdleGpus">GPUs not allocated.</param>
/// <param name="FragmentRatio">Share of the idle GPUs that the typical pods cannot use, in %.</param>
/// <param name="FragmentPercent">The same part as a share of the cluster's GPUs, in %.</param>
internal readonly record struct FillPoint(int Load, int Records, double Allocation, double IdleGpus, double FragmentRatio, double FragmentPercent);
