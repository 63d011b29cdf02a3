namespace GpuScheduler.Core.Devices;

/// <summary>GPUs of one node, picked together.</summary>
/// <param name="Mask">The GPUs as bits.</param>
/// <param name="NvlinkMBps">NVLink bandwidth summed over their pairs, in MB/s.</param>
/// <param name="PcieCloseness">PCIe closeness (50 less the NVML level) summed over their pairs.</param>
/// <param name="RemainderValue">What the other free GPUs still offer; see <see cref="DeviceSetTable"/>.</param>
public readonly record struct DeviceSet(ulong Mask, int NvlinkMBps, int PcieCloseness, long RemainderValue);
