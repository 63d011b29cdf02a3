namespace GpuScheduler.Core.Cluster;

/// <summary>
/// How far apart two devices are on PCIe. The numbers are NVML's nvmlGpuTopologyLevel_t; in brackets what nvidia-smi topo prints.
/// </summary>
public enum PcieLevel
{
    /// <summary>The same board.</summary>
    Internal = 0,

    /// <summary>At most one PCIe bridge (PIX).</summary>
    Single = 10,

    /// <summary>Several PCIe bridges, no host bridge (PXB).</summary>
    Multiple = 20,

    /// <summary>One host bridge (PHB).</summary>
    HostBridge = 30,

    /// <summary>One NUMA node (NODE).</summary>
    Node = 40,

    /// <summary>Across NUMA nodes (SYS); also what is assumed where nothing is known.</summary>
    System = 50,
}
