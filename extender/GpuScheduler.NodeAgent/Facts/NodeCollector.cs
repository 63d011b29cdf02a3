using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.NodeAgent.Nvml;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>Gathers a node's report from the driver and sysfs. Not for several threads at once.</summary>
internal sealed class NodeCollector(INvml nvml, PciTree pci, Roster roster, XidRecord xids)
{
    private const ulong MiB = 1UL << 20;

    private readonly WiringReader _wiring = new(nvml, pci);
    private readonly MigReader _mig = new(nvml);

    /// <summary>The driver's handles of the GPUs found last, with their UUIDs.</summary>
    public IReadOnlyDictionary<nint, string> Handles { get; private set; } = new Dictionary<nint, string>();

    /// <summary>Gathers everything.</summary>
    /// <exception cref="NvmlException">The driver is gone: a new session is needed.</exception>
    public Wire.NodeReport Collect()
    {
        var unknowns = new Unknowns();
        var report = new Wire.NodeReport();
        unknowns.Add("driver version", nvml.DriverVersion(out var version));
        report.DriverVersion = version;
        var found = Enumerable.Range(0, Count(unknowns)).Select(i => Read(i, unknowns)).ToList();
        var devices = roster.Place(found);
        if (devices.Count > InterconnectMatrix.MostGpus)
        {
            unknowns.Add("GPUs", $"{devices.Count} are found and {InterconnectMatrix.MostGpus} are reported at most");
            devices.RemoveRange(InterconnectMatrix.MostGpus, devices.Count - InterconnectMatrix.MostGpus);
        }

        foreach (var device in devices)
        {
            Complete(device, unknowns);
        }

        report.Links.Add(_wiring.Read(devices, unknowns));
        report.NvlinkDomain = Domain(devices, unknowns);
        report.Nics.Add(Nics(devices));
        report.Gpus.Add(devices.Select(d => d.Gpu));
        report.Unknown.Add(unknowns.ToTexts());
        roster.Remember(devices);
        Handles = devices.Where(d => d.Handle != 0 && d.Gpu.Uuid.Length > 0).ToDictionary(d => d.Handle, d => d.Gpu.Uuid);
        return report;
    }

    private int Count(Unknowns unknowns)
    {
        var code = nvml.DeviceCount(out var count);
        if (code is NvmlReturn.Uninitialized or NvmlReturn.DriverNotLoaded or NvmlReturn.LibRmVersionMismatch)
        {
            throw new NvmlException($"the driver is gone: it answered {(int)code} ({code}); {NvmlLibrary.Advice(code)}", code);
        }

        unknowns.Add("number of GPUs", code);
        return code == NvmlReturn.Success ? count : 0;
    }

    /// <summary>What identifies a GPU, and whether it answers at all.</summary>
    private Device Read(int index, Unknowns unknowns)
    {
        var code = nvml.Device(index, out var handle);
        var device = new Device { DriverIndex = index, Handle = code == NvmlReturn.Success ? handle : 0, Gpu = new Wire.Gpu { Index = (uint)index, MigMode = Wire.MigMode.Disabled } };
        if (code != NvmlReturn.Success)
        {
            device.Fail(Fault(code) ?? $"the driver gives no handle: {(int)code} ({code})");
            return device;
        }

        device.Gpu.Uuid = Known(nvml.Uuid(handle, out var uuid), "UUID", device, unknowns) ? uuid : "";
        device.Gpu.Product = Known(nvml.Name(handle, out var name), "product", device, unknowns) ? name : "";
        if (Known(nvml.Pci(handle, out var pciInfo), "PCI address", device, unknowns))
        {
            device.Pci = pciInfo;
            device.Gpu.PciBusId = pciInfo.Address.ToString();
        }

        if (Known(nvml.Memory(handle, out var memory), "memory", device, unknowns))
        {
            device.Memory = memory;
            device.Gpu.MemoryMib = (uint)Math.Min(memory.Total / MiB, int.MaxValue);
            device.Gpu.MemoryUsedMib = (uint)Math.Min(memory.Used / MiB, int.MaxValue);
            device.Gpu.MemoryFreeMib = (uint)Math.Min(memory.Free / MiB, int.MaxValue);
        }

        return device;
    }

    private void Complete(Device device, Unknowns unknowns)
    {
        if (device.Handle != 0)
        {
            Locate(device, unknowns);
            Errors(device, unknowns);
            Mig(device, unknowns);
            if (Known(nvml.Fabric(device.Handle, out var fabric), "NVLink fabric", device, unknowns))
            {
                device.Fabric = fabric;
            }
        }

        foreach (var xid in xids.Of(device.Gpu.Uuid))
        {
            device.Gpu.Xids.Add(xid);
            if (XidRules.Fault(xid) is { } fault)
            {
                device.Fail(fault);
            }
        }

        device.Gpu.Health ??= new Wire.Health();
    }

    private void Locate(Device device, Unknowns unknowns)
    {
        var place = device.Pci is { } known ? pci.Gpu(known.Address) : null;
        device.Gpu.PcieRoot = place?.Root ?? "";
        if (place is null)
        {
            unknowns.Add("PCIe root and network cards", "sysfs has no NVIDIA device at the GPU's address", device.Index);
        }

        // Near several nodes is near none: a virtual machine that flattens NUMA says so.
        var code = nvml.NumaNodes(device.Handle, out var nodes);
        if (code == NvmlReturn.Success && BitOperations.IsPow2(nodes))
        {
            device.Gpu.NumaNode = BitOperations.TrailingZeroCount(nodes);
        }
        else if (place is { NumaNode: >= 0 })
        {
            device.Gpu.NumaNode = place.NumaNode;
        }
        else
        {
            unknowns.Add("NUMA node", code, device.Index);
        }
    }

    private void Errors(Device device, Unknowns unknowns)
    {
        if (Known(nvml.EccEnabled(device.Handle, out var enabled), "ECC mode", device, unknowns))
        {
            device.Gpu.EccEnabled = enabled;
        }

        if (device.Gpu is { HasEccEnabled: true, EccEnabled: true } && Known(nvml.UncorrectedEcc(device.Handle, out var errors), "ECC errors", device, unknowns))
        {
            device.Gpu.EccUncorrected = (uint)Math.Min(errors, uint.MaxValue);
        }

        if (Known(nvml.RemappedRows(device.Handle, out var rows), "row remapping", device, unknowns))
        {
            device.Gpu.RowRemapPending = rows.Pending;
            device.Gpu.RowRemapFailed = rows.Failed;
            if (rows.Failed)
            {
                device.Fail("row remapping failed: the memory has more bad rows than spare ones");
            }
        }
    }

    private void Mig(Device device, Unknowns unknowns)
    {
        if (!Known(nvml.MigMode(device.Handle, out var current, out var pending), "MIG mode", device, unknowns))
        {
            return;
        }

        device.Gpu.MigModePending = current != pending;
        if (current)
        {
            device.Gpu.MigMode = Wire.MigMode.Fixed;
            device.Gpu.MigInstances.Add(_mig.Read(device, unknowns));
        }
    }

    /// <summary>
    /// Cluster UUID and clique, when all GPUs of the node agree. HGX machines have registered with an all-zero UUID and clique 0: taken
    /// for a domain, that would join every such node of a cluster into one.
    /// </summary>
    private static string Domain(IReadOnlyList<Device> devices, Unknowns unknowns)
    {
        var asked = devices.Where(d => d.Fabric is not null && !d.IsUnhealthy).ToList();
        var members = asked.Where(d => d.Fabric is { IsComplete: true } f && f.Cluster != Guid.Empty).ToList();
        if (members.Count == 0)
        {
            return "";
        }

        var domains = members.Select(d => $"{d.Fabric!.Value.Cluster}.{d.Fabric!.Value.Clique}").Distinct(StringComparer.Ordinal).ToList();
        if (domains.Count > 1 || members.Count < asked.Count)
        {
            unknowns.Add("NVLink domain", domains.Count > 1 ? $"the GPUs disagree: {string.Join(", ", domains)}" : "not all GPUs have registered with the fabric");
            return "";
        }

        return domains[0];
    }

    private List<Wire.Nic> Nics(IReadOnlyList<Device> devices)
    {
        var places = devices.Select(d => d.Pci is { } known ? pci.Gpu(known.Address) : null).ToList();
        if (places.All(p => p is null))
        {
            return [];
        }

        return [.. pci.Nics().Select(nic =>
        {
            var wire = new Wire.Nic { Name = nic.Name, PciBusId = nic.Place.Address.ToString() };
            if (nic.Place.NumaNode >= 0)
            {
                wire.NumaNode = nic.Place.NumaNode;
            }

            wire.Gpus.Add(places.Select(p => p?.LevelTo(nic.Place) ?? Wire.PcieLevel.Unspecified));
            return wire;
        })];
    }

    /// <summary>True when there is an answer. A device that is lost says so at any call, and is unhealthy then.</summary>
    private static bool Known(NvmlReturn code, string fact, Device device, Unknowns unknowns)
    {
        if (Fault(code) is { } fault)
        {
            device.Fail(fault);
            return false;
        }

        unknowns.Add(fact, code, device.Index);
        return code == NvmlReturn.Success;
    }

    private static string? Fault(NvmlReturn code) => code switch
    {
        NvmlReturn.GpuIsLost => "lost: it has fallen off the bus or does not answer",
        NvmlReturn.ResetRequired => "it needs a reset",
        NvmlReturn.GpuNotFound => "the driver does not find it any more",
        NvmlReturn.InsufficientPower => "its power cables are not connected",
        NvmlReturn.IrqIssue => "the kernel found an interrupt issue",
        _ => null,
    };
}
