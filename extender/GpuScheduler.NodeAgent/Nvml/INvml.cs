namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>
/// What is asked of the driver: facts of devices, and XIDs as they come. Calls answer with the code of NVML, and with
/// <see cref="NvmlReturn.FunctionNotFound"/> where the driver has no such call; nothing is thrown. Handles are good until
/// <see cref="IDisposable.Dispose"/>. Calls may come from several threads.
/// </summary>
internal interface INvml : IDisposable
{
    NvmlReturn DriverVersion(out string version);

    NvmlReturn DeviceCount(out int count);

    NvmlReturn Device(int index, out nint device);

    NvmlReturn Uuid(nint device, out string uuid);

    NvmlReturn Name(nint device, out string name);

    NvmlReturn Pci(nint device, out PciInfo pci);

    NvmlReturn Memory(nint device, out MemoryInfo memory);

    /// <summary>NUMA nodes near the device, a bit each.</summary>
    NvmlReturn NumaNodes(nint device, out ulong nodes);

    NvmlReturn ComputeCapability(nint device, out int major, out int minor);

    NvmlReturn EccEnabled(nint device, out bool enabled);

    /// <summary>Uncorrected ECC errors since the driver was loaded.</summary>
    NvmlReturn UncorrectedEcc(nint device, out ulong errors);

    NvmlReturn RemappedRows(nint device, out RemappedRows rows);

    /// <summary>nvmlGpuTopologyLevel_t of the two devices' common ancestor on PCIe.</summary>
    NvmlReturn CommonAncestor(nint a, nint b, out int level);

    NvmlReturn NvLinkActive(nint device, int link, out bool active);

    NvmlReturn NvLinkEnd(nint device, int link, out NvLinkEnd end);

    NvmlReturn NvLinkRemotePci(nint device, int link, out PciInfo pci);

    /// <summary>Speed of a link in one direction, in MB/s.</summary>
    NvmlReturn NvLinkSpeed(nint device, int link, out int mbps);

    /// <summary>nvmlNvlinkVersion_t.</summary>
    NvmlReturn NvLinkVersion(nint device, int link, out uint version);

    /// <summary>True when the driver lets the two copy over NVLink.</summary>
    NvmlReturn NvLinkPeers(nint a, nint b, out bool peers);

    NvmlReturn Fabric(nint device, out FabricInfo fabric);

    NvmlReturn MigMode(nint device, out bool current, out bool pending);

    NvmlReturn MostMigDevices(nint device, out int count);

    NvmlReturn MigDevice(nint device, int index, out nint migDevice);

    NvmlReturn GpuInstanceId(nint migDevice, out uint id);

    NvmlReturn MigAttributes(nint migDevice, out MigAttributes attributes);

    NvmlReturn GpuInstance(nint device, uint id, out GpuInstance instance);

    /// <summary>Profile by the number it is asked by (NVML_GPU_INSTANCE_PROFILE_...).</summary>
    NvmlReturn GpuInstanceProfile(nint device, int number, out GpuInstanceProfile profile);

    /// <summary>Instances of a profile.</summary>
    NvmlReturn GpuInstances(nint device, uint profileId, out GpuInstance[] instances);

    /// <summary>Begins to listen for XIDs of a device.</summary>
    NvmlReturn Listen(nint device);

    /// <summary>Waits for an XID: <see cref="NvmlReturn.Timeout"/> when none came.</summary>
    NvmlReturn WaitForXid(TimeSpan limit, out XidEvent xid);
}
