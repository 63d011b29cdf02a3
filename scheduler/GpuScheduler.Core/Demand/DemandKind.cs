namespace GpuScheduler.Core.Demand;

/// <summary>What pods of a kind ask for, as far as the waste of a node depends on it.</summary>
/// <param name="CpuMilli">CPU, in milli-CPU.</param>
/// <param name="Cards">How many cards, at least 1.</param>
/// <param name="Milli">How much of each, in milli-GPU (1 to 1000).</param>
/// <param name="MemoryGiB">Memory of the node, in GiB, rounded up.</param>
/// <param name="Models">The allowed models as written, separated by '|'; "" when any will do.</param>
internal readonly record struct DemandKind(long CpuMilli, int Cards, int Milli, long MemoryGiB, string Models)
{
    /// <summary>All that it asks for, in milli-GPU.</summary>
    public long TotalMilli => (long)Cards * Milli;
}
