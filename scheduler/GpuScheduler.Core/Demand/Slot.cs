namespace GpuScheduler.Core.Demand;

/// <summary>A size of pods with several whole GPUs, and what room for one is worth. Room for such a pod is a slot.</summary>
/// <param name="Cards">How many GPUs.</param>
/// <param name="CpuMilli">CPU that such pods need on average, in milli-CPU.</param>
/// <param name="Price">What a slot is worth, in milli-GPU.</param>
/// <param name="IsLarge">True for room that only the largest nodes have, where some are larger than others of as many cards.</param>
internal readonly record struct Slot(int Cards, long CpuMilli, double Price, bool IsLarge = false)
{
    /// <summary>How many slots a node has.</summary>
    /// <param name="freeGpus">Its GPUs that are wholly free.</param>
    /// <param name="cpuMilli">Its free CPU, in milli-CPU; null where the node does not tell.</param>
    public long On(int freeGpus, long? cpuMilli) =>
        freeGpus < Cards ? 0
        : cpuMilli is { } cpu && CpuMilli > 0 ? Math.Min(freeGpus / Cards, Math.Max(0, cpu) / CpuMilli)
        : freeGpus / Cards;
}
