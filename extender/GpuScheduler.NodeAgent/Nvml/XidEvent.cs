namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>An XID that the driver reported.</summary>
/// <param name="Device">Handle of the GPU; 0 when the driver did not say which.</param>
/// <param name="Xid">The XID.</param>
internal readonly record struct XidEvent(nint Device, uint Xid);
