using GpuScheduler.NodeAgent.Nvml;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>Where a device is in the tree of PCI bridges.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Root">The root complex, for example pci0000:00.</param>
/// <param name="Bridges">The bridges from the root down to the device, without it.</param>
/// <param name="NumaNode">NUMA node, or -1.</param>
internal sealed record PciPlace(PciAddress Address, string Root, string[] Bridges, int NumaNode)
{
    /// <summary>The common ancestor with another device, as NVML names its levels.</summary>
    public V1.PcieLevel LevelTo(PciPlace other)
    {
        if (Root != other.Root)
        {
            return NumaNode >= 0 && NumaNode == other.NumaNode ? V1.PcieLevel.Node : V1.PcieLevel.System;
        }

        var shared = 0;
        while (shared < Bridges.Length && shared < other.Bridges.Length && Bridges[shared] == other.Bridges[shared])
        {
            shared++;
        }

        // Below one switch a device has nothing above it but the switch's own port.
        const int PortsOfOneSwitch = 1;
        return shared == 0 ? V1.PcieLevel.HostBridge
            : Bridges.Length - shared <= PortsOfOneSwitch && other.Bridges.Length - shared <= PortsOfOneSwitch ? V1.PcieLevel.Single
            : V1.PcieLevel.Multiple;
    }
}
