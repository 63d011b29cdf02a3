using System.Globalization;

namespace GpuScheduler.NodeAgent.Tests;

/// <summary>The part of sysfs that tells of PCI, in a folder.</summary>
internal sealed class FakeSysfs(string root)
{
    public string Root => root;

    public void Add(string path, int numa, string vendor = "0x15b3", string? rdma = null, string? net = null)
    {
        var device = Directory.CreateDirectory(Path.Combine(root, "devices", path)).FullName;
        File.WriteAllText(Path.Combine(device, "vendor"), vendor + "\n");
        File.WriteAllText(Path.Combine(device, "numa_node"), numa.ToString(CultureInfo.InvariantCulture) + "\n");
        Link(Path.Combine("bus/pci/devices", Path.GetFileName(path)), "../../../devices/" + path);
        foreach (var (kind, name) in new[] { ("infiniband", rdma), ("net", net) })
        {
            if (name is not null)
            {
                // As in the kernel: the class entry leads below the device, and from there back to it.
                var below = Directory.CreateDirectory(Path.Combine(device, kind, name)).FullName;
                File.CreateSymbolicLink(Path.Combine(below, "device"), "../../../" + Path.GetFileName(path));
                Link(Path.Combine("class", kind, name), $"../../devices/{path}/{kind}/{name}");
            }
        }
    }

    private void Link(string path, string target)
    {
        var link = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        File.CreateSymbolicLink(link, target);
    }
}
