namespace GpuScheduler.Simulator.Bounds;

/// <summary>The bound at a load, to be set beside the point of a curve there.</summary>
/// <param name="Allocation">In % of the cluster's GPUs, rounded as allocations are, so that it stays above what it bounds.</param>
/// <param name="IdleGpus">GPUs that stay idle.</param>
/// <param name="Absolute">The allocation that no placement exceeds, whatever it leaves, in the same terms as the first.</param>
internal readonly record struct LimitPoint(double Allocation, double IdleGpus, double Absolute);
