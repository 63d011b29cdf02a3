using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>
/// Gives every GPU its index in the report: the driver's, and from then on always the same. A driver that has lost a GPU counts the rest
/// anew, while pods hold devices by the old index: so a GPU that is gone stays in the report, unhealthy, for as long as this remembers it.
/// </summary>
internal sealed class Roster
{
    private readonly Dictionary<string, Wire.Gpu> _byUuid = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _uuidByDriverIndex = [];

    /// <summary>Sets the indices, and returns the GPUs of the report by index: those of the driver and those that are gone.</summary>
    public List<Device> Place(IReadOnlyList<Device> devices)
    {
        Identify(devices);
        var taken = new HashSet<uint>();
        var placed = new List<Device>(devices.Count);
        foreach (var device in devices)
        {
            if (device.Gpu.Uuid.Length > 0 && _byUuid.TryGetValue(device.Gpu.Uuid, out var known))
            {
                device.Gpu.Index = known.Index;
                taken.Add(known.Index);
                placed.Add(device);
            }
        }

        var present = placed.Select(d => d.Gpu.Uuid).ToHashSet(StringComparer.Ordinal);
        foreach (var (uuid, gone) in _byUuid)
        {
            if (!present.Contains(uuid))
            {
                var device = new Device { DriverIndex = -1, Handle = 0, Gpu = gone.Clone() };
                device.Gpu.Health = null;
                device.Gpu.ClearMemoryUsedMib();
                device.Gpu.ClearMemoryFreeMib();
                device.Gpu.Nvlinks = device.Gpu.NvswitchLinks = 0;
                device.Fail("the driver does not list this GPU any more");
                taken.Add(gone.Index);
                placed.Add(device);
            }
        }

        var next = 0u;
        foreach (var device in devices.Where(d => d.Gpu.Uuid.Length == 0 || !_byUuid.ContainsKey(d.Gpu.Uuid)))
        {
            while (taken.Contains(next))
            {
                next++;
            }

            device.Gpu.Index = next;
            taken.Add(next);
            placed.Add(device);
        }

        placed.Sort((a, b) => a.Index.CompareTo(b.Index));
        return placed;
    }

    /// <summary>Remembers what was reported.</summary>
    public void Remember(IEnumerable<Device> devices)
    {
        _uuidByDriverIndex.Clear();
        foreach (var device in devices.Where(d => d.Gpu.Uuid.Length > 0))
        {
            _byUuid[device.Gpu.Uuid] = device.Gpu.Clone();
            if (device.DriverIndex >= 0)
            {
                _uuidByDriverIndex[device.DriverIndex] = device.Gpu.Uuid;
            }
        }
    }

    /// <summary>A GPU that does not even say who it is, is the one that was there before, if that is not elsewhere now.</summary>
    private void Identify(IReadOnlyList<Device> devices)
    {
        var said = new HashSet<string>(StringComparer.Ordinal);
        foreach (var device in devices.Where(d => d.Gpu.Uuid.Length > 0))
        {
            if (!said.Add(device.Gpu.Uuid))
            {
                device.Fail($"the driver gives the UUID {device.Gpu.Uuid} to two GPUs");
                device.Gpu.Uuid = "";
            }
        }

        foreach (var device in devices.Where(d => d.Gpu.Uuid.Length == 0 && d.IsUnhealthy))
        {
            if (_uuidByDriverIndex.TryGetValue(device.DriverIndex, out var uuid) && said.Add(uuid))
            {
                var before = _byUuid[uuid];
                device.Gpu.Uuid = uuid;
                device.Gpu.Product = before.Product;
                device.Gpu.PciBusId = before.PciBusId;
                device.Gpu.PcieRoot = before.PcieRoot;
                device.Gpu.MemoryMib = before.MemoryMib;
                device.Gpu.MigMode = before.MigMode;
                device.Gpu.MigInstances.Add(before.MigInstances);
                if (before.HasNumaNode)
                {
                    device.Gpu.NumaNode = before.NumaNode;
                }
            }
        }
    }
}
