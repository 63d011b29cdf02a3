using System.Globalization;
using GpuScheduler.NodeAgent.Nvml;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>What the kernel says of PCI (sysfs). Nothing here fails: what cannot be read is not known.</summary>
/// <param name="root">Where sysfs is mounted.</param>
internal sealed class PciTree(string root = "/sys")
{
    private const string Nvidia = "0x10de";

    /// <summary>Where a GPU of NVIDIA is; null when sysfs has none at this address.</summary>
    public PciPlace? Gpu(PciAddress address)
    {
        var link = Path.Combine(root, "bus/pci/devices", address.ToSysfsName());
        return Read(Path.Combine(link, "vendor")) == Nvidia ? Place(link) : null;
    }

    /// <summary>The network cards, by name: each function once, with its RDMA device's name where it has one, and no virtual functions.</summary>
    public IReadOnlyList<PciNic> Nics()
    {
        var nics = new Dictionary<PciAddress, PciNic>();
        foreach (var kind in new[] { "class/infiniband", "class/net" })
        {
            foreach (var entry in Entries(Path.Combine(root, kind)))
            {
                var device = Path.Combine(entry, "device");
                if (!Path.Exists(Path.Combine(device, "physfn")) && Place(device) is { } place)
                {
                    nics.TryAdd(place.Address, new PciNic(Path.GetFileName(entry), place));
                }
            }
        }

        return [.. nics.Values.OrderBy(n => n.Name, StringComparer.Ordinal)];
    }

    private static PciPlace? Place(string link)
    {
        try
        {
            if (Resolve(link) is not { } path)
            {
                return null;
            }

            var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
            var at = Array.FindIndex(parts, p => p.StartsWith("pci", StringComparison.Ordinal) && p.Contains(':', StringComparison.Ordinal));
            if (at < 0 || at == parts.Length - 1)
            {
                return null;
            }

            // Cards with ports of their own below (virtio1, net, ...) end the chain of addresses.
            var chain = parts[(at + 1)..].TakeWhile(p => PciAddress.TryParse(p, out _)).ToArray();
            if (chain.Length == 0 || !PciAddress.TryParse(chain[^1], out var address))
            {
                return null;
            }

            var folder = "/" + string.Join('/', parts[..(at + 1 + chain.Length)]);
            var numa = int.TryParse(Read(Path.Combine(folder, "numa_node")), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var node) ? node : -1;
            return new PciPlace(address, parts[at], chain[..^1], Math.Max(numa, -1));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The folder behind a link; links on the way there are followed, too.</summary>
    private static string? Resolve(string path)
    {
        var info = new DirectoryInfo(path);
        if (!info.Exists)
        {
            return null;
        }

        // The class entry is itself a link: "device" lies in what it leads to.
        if (info.Parent is { LinkTarget: not null } parent && parent.ResolveLinkTarget(returnFinalTarget: true) is { } real)
        {
            info = new DirectoryInfo(Path.Combine(real.FullName, info.Name));
        }

        return (info.LinkTarget is null ? info : info.ResolveLinkTarget(returnFinalTarget: true))?.FullName;
    }

    private static string[] Entries(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? Directory.GetFileSystemEntries(folder) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string Read(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllText(file).Trim() : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
