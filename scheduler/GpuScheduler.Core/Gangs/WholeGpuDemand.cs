namespace GpuScheduler.Core.Gangs;

/// <summary>What one member of a role takes from a node when GPUs are taken whole.</summary>
/// <param name="Gpus">GPUs; 0 for a member without.</param>
/// <param name="CpuMilli">CPU, in milli-CPU.</param>
/// <param name="MemoryBytes">Memory, in bytes.</param>
/// <param name="Allowed">By position, where members may go; null for everywhere.</param>
public readonly record struct WholeGpuDemand(int Gpus, long CpuMilli = 0, long MemoryBytes = 0, bool[]? Allowed = null);
