using GpuScheduler.NodeAgent.Nvml;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>
/// Reads how GPUs are wired, as two layers: the level of the common ancestor on PCIe, and NVLinks.
/// </summary>
/// <remarks>
/// On a machine with NVSwitches every link of a GPU ends at a switch: the address of the remote end is the switch's and never that of
/// another GPU, so that peers matched by address have no links at all. Two GPUs that both have links to switches reach each other with
/// as many as the one with fewer has. Drivers that do not say what a link leads to (before 465, and in some virtual machines) are
/// understood by the remote end's PCI device id: a switch has another than the GPUs have.
/// </remarks>
internal sealed class WiringReader(INvml nvml, PciTree pci)
{
    /// <summary>More than any GPU has (18 up to Blackwell); the driver says when there are no more.</summary>
    private const int MostLinks = 64;

    private const uint NvidiaVendor = 0x10de;

    public IReadOnlyList<Wire.Link> Read(IReadOnlyList<Device> devices, Unknowns unknowns)
    {
        var ends = devices.Select(d => ReadEnds(d, devices, unknowns)).ToArray();
        Resolve(ends, devices, unknowns);
        var places = devices.Select(d => d.Pci is { } known ? pci.Gpu(known.Address) : null).ToArray();
        var links = new List<Wire.Link>();
        for (var a = 0; a < devices.Count; a++)
        {
            devices[a].Gpu.Nvlinks = (uint)ends[a].Links.Count;
            devices[a].Gpu.NvswitchLinks = (uint)ends[a].Links.Count(l => l.End == NvLinkEnd.Switch);
            for (var b = a + 1; b < devices.Count; b++)
            {
                var (count, mbps) = Between(ends, a, b, devices);
                var level = Level(devices[a], devices[b], places[a], places[b], unknowns);
                if (count > 0 || level != Wire.PcieLevel.Unspecified)
                {
                    links.Add(new Wire.Link
                    {
                        A = devices[a].Gpu.Index,
                        B = devices[b].Gpu.Index,
                        Nvlinks = (uint)count,
                        NvlinkMbps = (uint)mbps,
                        Pcie = level,
                    });
                }
            }
        }

        return links;
    }

    private Ends ReadEnds(Device device, IReadOnlyList<Device> devices, Unknowns unknowns)
    {
        var ends = new Ends();
        if (device.Handle == 0)
        {
            return ends;
        }

        for (var link = 0; link < MostLinks; link++)
        {
            var code = nvml.NvLinkActive(device.Handle, link, out var active);
            if (code is NvmlReturn.InvalidArgument or NvmlReturn.FunctionNotFound or NvmlReturn.GpuIsLost)
            {
                unknowns.Add("NVLinks", code == NvmlReturn.InvalidArgument ? NvmlReturn.Success : code, device.Index);
                ends.IsReadable = code == NvmlReturn.InvalidArgument;
                break;
            }

            ends.IsReadable |= code is NvmlReturn.Success or NvmlReturn.NotSupported;
            unknowns.Add("NVLinks", code, device.Index);
            if (code == NvmlReturn.Success && active)
            {
                ends.Links.Add(ReadEnd(device, link, devices));
            }
        }

        if (ends.Links.Count > 0)
        {
            var speed = Speed(device, ends.Links[0].Number);
            if (speed == 0)
            {
                unknowns.Add("NVLink bandwidth", "the driver does not say; 25,000 MB/s a link is assumed", device.Index);
            }

            ends.Speed = speed;
        }

        return ends;
    }

    private Link ReadEnd(Device device, int link, IReadOnlyList<Device> devices)
    {
        _ = nvml.NvLinkEnd(device.Handle, link, out var end);
        var found = nvml.NvLinkRemotePci(device.Handle, link, out var remote) == NvmlReturn.Success;
        var peer = -1;
        for (var i = 0; found && i < devices.Count; i++)
        {
            peer = devices[i].Pci is { } other && other.Address == remote.Address && devices[i] != device ? i : peer;
        }

        if (peer >= 0 && end == NvLinkEnd.Unknown)
        {
            end = NvLinkEnd.Gpu;
        }

        return new Link(link, end, end == NvLinkEnd.Gpu ? peer : -1, found ? remote : default);
    }

    /// <summary>Decides about the links of which the driver does not say what they lead to.</summary>
    private void Resolve(Ends[] ends, IReadOnlyList<Device> devices, Unknowns unknowns)
    {
        var gpuIds = devices.Where(d => d.Pci is not null).Select(d => d.Pci!.Value.DeviceId).ToHashSet();
        var seenBy = ends.SelectMany((e, i) => e.Links.Select(l => (l.Remote.Address, Gpu: i))).Distinct().CountBy(p => p.Address).ToDictionary();
        var noneDirect = ends.All(e => e.Links.All(l => l.End is NvLinkEnd.Unknown or NvLinkEnd.Switch));
        for (var i = 0; i < ends.Length; i++)
        {
            for (var l = 0; l < ends[i].Links.Count; l++)
            {
                var link = ends[i].Links[l];
                if (link.End != NvLinkEnd.Unknown)
                {
                    continue;
                }

                var id = link.Remote.DeviceId;
                var isSwitch = id != 0
                    ? (id & 0xffff) == NvidiaVendor && !gpuIds.Contains(id)
                    : noneDirect && ((link.Remote != default && seenBy[link.Remote.Address] > 1) || ReachesAPeer(i, devices));
                if (isSwitch)
                {
                    ends[i].Links[l] = link with { End = NvLinkEnd.Switch };
                }
                else
                {
                    unknowns.Add("NVLink peers", "the driver does not say where links lead; they are not counted", devices[i].Index);
                }
            }
        }
    }

    private bool ReachesAPeer(int gpu, IReadOnlyList<Device> devices) =>
        devices.Where((d, i) => i != gpu && d.Handle != 0).Any(d => nvml.NvLinkPeers(devices[gpu].Handle, d.Handle, out var peers) == NvmlReturn.Success && peers);

    private static (int Count, long Mbps) Between(Ends[] ends, int a, int b, IReadOnlyList<Device> devices)
    {
        // A GPU that cannot be asked any more has nothing left to say; what the other end sees is taken.
        var there = ends[a].Links.Count(l => l.Peer == b);
        var back = ends[b].Links.Count(l => l.Peer == a);
        var direct = !ends[a].IsReadable ? back : !ends[b].IsReadable ? there : Math.Min(there, back);
        var switched = Math.Min(ends[a].Links.Count(l => l.End == NvLinkEnd.Switch), ends[b].Links.Count(l => l.End == NvLinkEnd.Switch));
        var count = direct + switched;
        var speed = ends[a].Speed == 0 || ends[b].Speed == 0 ? Math.Max(ends[a].Speed, ends[b].Speed) : Math.Min(ends[a].Speed, ends[b].Speed);
        return (count, (long)count * speed);
    }

    private int Speed(Device device, int link)
    {
        if (nvml.NvLinkSpeed(device.Handle, link, out var mbps) == NvmlReturn.Success)
        {
            return mbps;
        }

        if (nvml.NvLinkVersion(device.Handle, link, out var version) != NvmlReturn.Success || version == 0)
        {
            return 0;
        }

        // NVLink 1 has 20 GB/s a link and direction, 2 to 4 have 25, 5 has 53.125. Version numbers of NVML are not generations, and
        // drivers have given that of NVLink 5 to Hopper: the compute capability (10 for Blackwell) decides.
        const int FirstOfNvlink5 = 10;
        var blackwell = nvml.ComputeCapability(device.Handle, out var major, out _) == NvmlReturn.Success ? major >= FirstOfNvlink5 : version >= 7;
        return version == 1 ? 20_000 : blackwell ? 53_125 : 25_000;
    }

    private Wire.PcieLevel Level(Device a, Device b, PciPlace? placeA, PciPlace? placeB, Unknowns unknowns)
    {
        var code = NvmlReturn.GpuIsLost;
        if (a.Handle != 0 && b.Handle != 0)
        {
            code = nvml.CommonAncestor(a.Handle, b.Handle, out var level);
            if (code == NvmlReturn.Success && level is 0 or 10 or 20 or 30 or 40 or 50)
            {
                // The same board is 0 for NVML, which on the wire means that nothing is said.
                return level == 0 ? Wire.PcieLevel.Internal : (Wire.PcieLevel)level;
            }
        }

        if (placeA is not null && placeB is not null)
        {
            return placeA.LevelTo(placeB);
        }

        unknowns.Add("PCIe levels", code == NvmlReturn.NotSupported ? NvmlReturn.FunctionNotFound : code, a.Index);
        return Wire.PcieLevel.Unspecified;
    }

    private readonly record struct Link(int Number, NvLinkEnd End, int Peer, PciInfo Remote);

    private sealed class Ends
    {
        public List<Link> Links { get; } = [];

        public bool IsReadable { get; set; }

        /// <summary>Of one link in one direction, in MB/s; 0 when not known.</summary>
        public int Speed { get; set; }
    }
}
