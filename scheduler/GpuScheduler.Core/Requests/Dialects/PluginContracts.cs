using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>
/// Says in the annotations of another stack which devices a pod was given, so that the device plugin of that stack hands out these. Who
/// reads it is the node's plugin: a pod that asks for whole GPUs gets HAMi's annotations on a node with HAMi's plugin, and none elsewhere.
/// </summary>
public static class PluginContracts
{
    /// <summary>The dialect whose plugin hands out the pod's devices on a node; null when no plugin of these does, or its contract is not written.</summary>
    public static ShareDialect? Of(PodInfo pod, NodeFacts node, DialectSet dialects)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(dialects);
        var dialect = pod.Dialect == ShareDialects.Gpushare || pod.Dialect == ShareDialects.Volcano ? pod.Dialect
            : !pod.Containers.IsEmpty && (node.Plugins & DevicePlugins.Hami) != 0 ? ShareDialects.Hami
            : null;
        return dialect is not null && dialects.Writes(dialect) && pod.Request.WantsGpu ? dialect : null;
    }

    /// <summary>Writes the contract of a dialect.</summary>
    /// <param name="dialect">What <see cref="Of"/> says.</param>
    /// <param name="pod">The pod.</param>
    /// <param name="node">Its node.</param>
    /// <param name="devices">What it was given.</param>
    /// <param name="now">The time to write. Plugins take pods in the order of these times.</param>
    /// <param name="contract">The contract.</param>
    /// <param name="why">Why it cannot be written, and what to do.</param>
    public static bool TryWrite(ShareDialect dialect, PodInfo pod, NodeFacts node, DeviceAssignment devices, DateTimeOffset now, [NotNullWhen(true)] out PluginContract? contract, [NotNullWhen(false)] out string? why)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(devices);
        why = null;
        contract = dialect == ShareDialects.Gpushare ? Gpushare(pod, node, devices, now) : Vgpu(dialect, pod, node, devices, now, out why);
        return contract is not null;
    }

    private static PluginContract Gpushare(PodInfo pod, NodeFacts node, DeviceAssignment devices, DateTimeOffset now) => new(
    [
        new(ShareDialects.GpushareIndex, Text(devices.Devices[0].Gpu)),
        new(ShareDialects.GpusharePod, Text(pod.Request.ShareMemoryUnits)),
        new(ShareDialects.GpushareDevice, Text(node.MemoryUnitsPerGpu)),
        new(ShareDialects.GpushareAssigned, "false"),
        new(ShareDialects.GpushareAssumeTime, Text(Nanoseconds(now))),
    ]);

    private static PluginContract? Vgpu(ShareDialect dialect, PodInfo pod, NodeFacts node, DeviceAssignment devices, DateTimeOffset now, out string? why)
    {
        var given = devices.Devices.Where(d => d.Mig is null).ToList();
        if (given.Exists(d => d.Uuid is null))
        {
            why = $"node {node.Name} does not say the UUIDs of its GPUs, by which {dialect}'s device plugin knows them: run the node agent there, or have the plugin register them on the node";
            return null;
        }

        why = null;
        var containers = Distribute(pod, node, given);
        if (dialect == ShareDialects.Hami)
        {
            var text = VgpuText.Write(containers, endsContainers: true);
            var seconds = Text(now.ToUnixTimeSeconds());
            return new PluginContract(
            [
                new(ShareDialects.HamiNode, node.Name),
                new(ShareDialects.HamiTime, seconds),
                new(ShareDialects.HamiToAllocate, text),
                new(ShareDialects.HamiAllocated, text),
                new(ShareDialects.HamiBindPhase, "allocating"),
                new(ShareDialects.HamiBindTime, seconds),
            ],
            NeedsNodeLock: true);
        }

        // Volcano's plugin takes the pod with the earliest time and needs no lock; nanoseconds tell apart those of one second.
        var list = VgpuText.Write(containers, endsContainers: false);
        return new PluginContract(
        [
            new(ShareDialects.VolcanoNode, node.Name),
            new(ShareDialects.VolcanoTime, Text(Nanoseconds(now))),
            new(ShareDialects.VolcanoToAllocate, list),
            new(ShareDialects.VolcanoAllocated, list),
            new(ShareDialects.VolcanoBindPhase, "allocating"),
            new(ShareDialects.VolcanoBindTime, Text(now.ToUnixTimeSeconds())),
        ]);
    }

    /// <summary>
    /// The devices of each container. Shares: all containers use the same GPUs. Whole ones: each has its own, except that what an init
    /// container used is free again when it has ended.
    /// </summary>
    private static List<IReadOnlyList<VgpuDevice>> Distribute(PodInfo pod, NodeFacts node, List<AssignedDevice> given)
    {
        var isShared = pod.Request.ShareCount > 0;
        var lists = new List<IReadOnlyList<VgpuDevice>>(pod.Containers.Length);
        var next = 0;
        foreach (var container in pod.Containers)
        {
            lists.Add([.. given.Skip(isShared ? 0 : next).Take(container.Count).Select(d => new VgpuDevice(d.Uuid!, MemoryOf(container, node.Gpus[d.Gpu]), container.Cores))]);
            next += container is { IsInit: true, Stays: false } ? 0 : container.Count;
        }

        return lists;
    }

    private static int MemoryOf(in ContainerGpus container, GpuInfo gpu) =>
        container.MemoryMiB > 0 ? container.MemoryMiB : (int)((long)gpu.MemoryMiB * container.MemoryPermille / SharePacking.WholeCard);

    private static long Nanoseconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks * 100;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
