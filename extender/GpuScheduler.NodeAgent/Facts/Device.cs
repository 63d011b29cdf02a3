using GpuScheduler.NodeAgent.Nvml;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>One GPU while its facts are gathered.</summary>
internal sealed class Device
{
    /// <summary>Index as the driver counts now.</summary>
    public required int DriverIndex { get; init; }

    /// <summary>Handle of the driver; 0 when it gave none.</summary>
    public required nint Handle { get; init; }

    /// <summary>What the report will say. Its index is given by the <see cref="Roster"/>.</summary>
    public required Wire.Gpu Gpu { get; init; }

    public PciInfo? Pci { get; set; }

    public FabricInfo? Fabric { get; set; }

    /// <summary>Memory in bytes; null when unknown.</summary>
    public MemoryInfo? Memory { get; set; }

    public int Index => (int)Gpu.Index;

    public bool IsUnhealthy => Gpu.Health is { Unhealthy: true };

    /// <summary>Takes it out of the offer. The first reason stays.</summary>
    public void Fail(string why)
    {
        if (!IsUnhealthy)
        {
            Gpu.Health = new Wire.Health { Unhealthy = true, Reason = why };
        }
    }
}
