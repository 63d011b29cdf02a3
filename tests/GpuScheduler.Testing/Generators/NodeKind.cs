namespace GpuScheduler.Testing;

/// <summary>Machines that clusters are made of.</summary>
public enum NodeKind
{
    /// <summary>8 H100 behind NVSwitch.</summary>
    H100Switched,

    /// <summary>8 V100 in the hybrid cube mesh.</summary>
    V100CubeMesh,

    /// <summary>8 A100 PCIe in bridged pairs.</summary>
    A100Bridged,

    /// <summary>2 A100 cut all-balanced: 2 x 1g, 2g and 3g each.</summary>
    A100MigBalanced,

    /// <summary>2 A100 whose MIG devices are made on demand.</summary>
    A100MigOnDemand,

    /// <summary>1 T4.</summary>
    SingleT4,
}
