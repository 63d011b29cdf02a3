namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>What a MIG device consists of (nvmlDeviceAttributes_t).</summary>
/// <param name="GpuInstanceSlices">Compute slices of its GPU instance.</param>
/// <param name="ComputeInstanceSlices">Compute slices of its own.</param>
/// <param name="MemoryMiB">Memory in MiB.</param>
internal readonly record struct MigAttributes(uint GpuInstanceSlices, uint ComputeInstanceSlices, ulong MemoryMiB);
