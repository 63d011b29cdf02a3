namespace GpuScheduler.Core.Demand;

/// <summary>The nodes of a class in a cluster.</summary>
/// <param name="Class">The class.</param>
/// <param name="Cards">Cards of all of them.</param>
/// <param name="MostCpuMilli">CPU of the largest, in milli-CPU; 0 when none tells.</param>
/// <param name="MostMemoryBytes">Memory of the largest, in bytes; 0 when none tells.</param>
/// <param name="Product">Their product.</param>
internal readonly record struct ClassCount(NodeClass Class, int Cards, long MostCpuMilli, long MostMemoryBytes, string Product)
{
    /// <summary>True when the largest, empty, has room for a pod of a kind, whatever its model.</summary>
    public bool HasRoomFor(in DemandKind kind) =>
        Class.Cards >= kind.Cards && (MostCpuMilli == 0 || MostCpuMilli >= kind.CpuMilli) && (MostMemoryBytes == 0 || MostMemoryBytes >= kind.MemoryGiB << 30);
}
