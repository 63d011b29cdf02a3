namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>A device on PCI.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="DeviceId">Device id in the upper and vendor id in the lower half; 0 when not said.</param>
internal readonly record struct PciInfo(PciAddress Address, uint DeviceId);
