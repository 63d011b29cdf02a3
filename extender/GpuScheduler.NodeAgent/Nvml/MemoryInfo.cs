namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>Memory of a GPU, in bytes.</summary>
internal readonly record struct MemoryInfo(ulong Total, ulong Used, ulong Free);
