namespace GpuScheduler.Benchmarks.Memory;

/// <summary>What the service's process takes.</summary>
/// <param name="Case">When it was looked at.</param>
/// <param name="Nodes">Nodes of the cluster.</param>
/// <param name="Pods">Pods of the cluster.</param>
/// <param name="Events">Watch events since the start.</param>
/// <param name="ResidentMiB">Resident memory of the process.</param>
/// <param name="HeapMiB">Size of the managed heap after its last collection.</param>
internal sealed record MemoryRow(string Case, int Nodes, int Pods, long Events, double ResidentMiB, double HeapMiB);
