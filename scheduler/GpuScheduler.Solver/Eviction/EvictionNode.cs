using System.Numerics;

namespace GpuScheduler.Solver.Eviction;

/// <summary>A node and what would be free on it.</summary>
/// <param name="Place">Its place in the tree's order.</param>
/// <param name="FreeGpus">GPUs that are free as it is.</param>
/// <param name="FreeCpuMilli">CPU that is free as it is.</param>
/// <param name="FreeMemoryBytes">Memory that is free as it is.</param>
/// <param name="Holds">Victims on it.</param>
internal sealed record EvictionNode(int Place, int FreeGpus, long FreeCpuMilli, long FreeMemoryBytes, List<EvictionNode.Hold> Holds)
{
    /// <summary>GPUs that are free once some victims are gone.</summary>
    public int GpusWithout(bool[] evicted)
    {
        var all = 0UL;
        var kept = 0UL;
        foreach (var hold in Holds)
        {
            all |= hold.Gpus;
            kept |= evicted[hold.Victim] ? 0 : hold.Gpus;
        }

        return FreeGpus + BitOperations.PopCount(all & ~kept);
    }

    /// <summary>CPU and memory that are free once some victims are gone.</summary>
    public (long CpuMilli, long MemoryBytes) RestWithout(bool[] evicted)
    {
        var (cpu, memory) = (FreeCpuMilli, FreeMemoryBytes);
        foreach (var hold in Holds)
        {
            if (evicted[hold.Victim])
            {
                cpu = Sum(cpu, hold.CpuMilli);
                memory = Sum(memory, hold.MemoryBytes);
            }
        }

        return (cpu, memory);
    }

    private static long Sum(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;

    /// <summary>What a victim holds here.</summary>
    internal readonly record struct Hold(int Victim, ulong Gpus, long CpuMilli, long MemoryBytes);
}
