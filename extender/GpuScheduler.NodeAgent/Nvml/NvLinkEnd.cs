namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>What an NVLink leads to (nvmlIntNvLinkDeviceType_t).</summary>
internal enum NvLinkEnd
{
    Gpu = 0,
    IbmNpu = 1,
    Switch = 2,
    Unknown = 255,
}
