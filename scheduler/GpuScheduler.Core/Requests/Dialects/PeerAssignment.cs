using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>What a pod holds that another stack has bound, or that was bound while that stack ruled.</summary>
/// <param name="Devices">The devices.</param>
public sealed record PeerAssignment(ImmutableArray<PeerDevice> Devices)
{
    /// <summary>What the annotations of a bound pod say; null when they say nothing, or nothing that can be understood.</summary>
    internal static PeerAssignment? Read(IReadOnlyDictionary<string, string> annotations, string node, GpuRequest request)
    {
        if (annotations.TryGetValue(ShareDialects.GpushareIndex, out var index))
        {
            // The units that were given; those that are asked for where it is not said.
            return FieldValue.TryInteger(index, 0, InterconnectMatrix.MostGpus - 1, out var gpu)
                && (annotations.TryGetValue(ShareDialects.GpusharePod, out var pod) ? FieldValue.TryInteger(pod, 1, int.MaxValue, out var units) : (units = request.ShareMemoryUnits) > 0)
                ? new PeerAssignment([new PeerDevice(gpu, null, 0, units, 0)])
                : null;
        }

        return ReadVgpu(annotations, node, ShareDialects.HamiNode, ShareDialects.HamiAllocated)
            ?? ReadVgpu(annotations, node, ShareDialects.VolcanoNode, ShareDialects.VolcanoAllocated);
    }

    private static PeerAssignment? ReadVgpu(IReadOnlyDictionary<string, string> annotations, string node, string nodeName, string allocatedName) =>
        annotations.TryGetValue(allocatedName, out var text)
        && annotations.GetValueOrDefault(nodeName, node) == node // written before the pod was bound, perhaps for another node
        && VgpuText.TryRead(text, out var devices) && devices.Count > 0
            ? new PeerAssignment([.. devices.Select(d => new PeerDevice(-1, d.Uuid, d.MemoryMiB, 0, (int)Math.Min(10L * d.Cores, SharePacking.WholeCard)))])
            : null;

    /// <summary>The devices on a node; null when it lacks one of them, or does not say what a share amounts to.</summary>
    internal DeviceAssignment? Resolve(NodeFacts node)
    {
        var shares = new SortedDictionary<int, AssignedDevice>();
        foreach (var device in Devices)
        {
            var gpu = device.Index >= 0 ? device.Index : IndexOf(node, device.Uuid!);
            if ((uint)gpu >= (uint)node.Gpus.Length || (device.Units > 0 && node.MemoryUnitMiB == 0))
            {
                return null;
            }

            var before = shares.GetValueOrDefault(gpu);
            var memory = Math.Min(int.MaxValue, before.MemoryMiB + (long)device.MemoryMiB + ((long)device.Units * node.MemoryUnitMiB));
            shares[gpu] = new AssignedDevice(gpu, node.Gpus[gpu].Uuid, null, (int)memory, before.Milli + device.Milli);
        }

        // All compute means exclusive use, and so does a share that says neither memory nor compute.
        return new DeviceAssignment([.. shares.Values.Select(d => d.Milli >= SharePacking.WholeCard ? d with { MemoryMiB = 0, Milli = 0 } : d)]);
    }

    /// <summary>The GPU of a UUID; with "[…]" behind it stands a MIG device that HAMi made there, for which the whole GPU is taken.</summary>
    private static int IndexOf(NodeFacts node, string uuid)
    {
        var bracket = uuid.IndexOf('[', StringComparison.Ordinal);
        var plain = bracket < 0 ? uuid : uuid[..bracket];
        for (var i = 0; i < node.Gpus.Length; i++)
        {
            if (node.Gpus[i].Uuid == plain)
            {
                return i;
            }
        }

        return -1;
    }
}
