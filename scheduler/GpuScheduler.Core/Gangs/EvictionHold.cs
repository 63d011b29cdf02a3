namespace GpuScheduler.Core.Gangs;

/// <summary>What a job holds on a node.</summary>
/// <param name="Position">Position of the node.</param>
/// <param name="Gpus">GPUs that it uses, whole or in part, as bits. One is free when all that use it are gone.</param>
/// <param name="CpuMilli">CPU, in milli-CPU.</param>
/// <param name="MemoryBytes">Memory, in bytes.</param>
public readonly record struct EvictionHold(int Position, ulong Gpus, long CpuMilli = 0, long MemoryBytes = 0);
