using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Mig;

/// <summary>All that decides where a pod with one MIG device may go, and how urgent it is.</summary>
internal readonly record struct MigRequestKind(GpuRequest Request, int Priority, long CpuMilli, long MemoryBytes, NodeDemands? Demands)
{
    /// <summary>The profile asked for.</summary>
    public string Profile => Request.Mig[0].Profile;

    /// <summary>True when nothing but the MIG device is missing on the node, as far as that is known here.</summary>
    public bool MayGoTo(NodeInfo node) =>
        (Request.Models.IsEmpty || GpuModelMatch.Matches(Request.Models.AsSpan(), node.Facts.Product))
        && NodeDemands.Allow(Demands, node.Facts)
        && node.FreeCpuMilli >= CpuMilli && node.FreeMemoryBytes >= MemoryBytes;
}
