using System.Globalization;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Kubelet;

/// <summary>Finds the GPUs in what the kubelet has handed out.</summary>
internal static class AssignmentReader
{
    private const string NvidiaResources = "nvidia.com/";

    /// <summary>As many as the resource definition allows.</summary>
    private const int Most = 2048;

    /// <summary>The assignments of devices that are in the report, or that are of NVIDIA; ordered, so that equal contents are equal.</summary>
    public static IEnumerable<Wire.Assignment> Read(ListPodResourcesResponse answer, Wire.NodeReport report)
    {
        var known = new Dictionary<string, uint>(StringComparer.Ordinal);
        foreach (var gpu in report.Gpus)
        {
            foreach (var uuid in gpu.MigInstances.Select(i => i.Uuid).Append(gpu.Uuid).Where(u => u.Length > 0))
            {
                known[uuid] = gpu.Index;
            }
        }

        return
        [
            .. (from pod in answer.PodResources
                from container in pod.Containers
                from devices in container.Devices.GroupBy(d => d.ResourceName, StringComparer.Ordinal)
                let assignment = Read(pod, container, devices.Key, devices.SelectMany(d => d.DeviceIds), report, known)
                where assignment is not null
                orderby assignment.Namespace, assignment.Pod, assignment.Container, assignment.Resource
                select assignment).Take(Most),
        ];
    }

    private static Wire.Assignment? Read(PodResources pod, ContainerResources container, string resource, IEnumerable<string> ids, Wire.NodeReport report, Dictionary<string, uint> known)
    {
        var ours = resource.StartsWith(NvidiaResources, StringComparison.Ordinal);
        var devices = new SortedSet<string>(StringComparer.Ordinal);
        var gpus = new SortedSet<uint>();
        foreach (var id in ids)
        {
            var (uuid, gpu) = Resolve(id, ours, report, known);
            if (gpu is { } index)
            {
                gpus.Add(index);
            }

            if (gpu is not null || ours)
            {
                devices.Add(uuid);
            }
        }

        if (devices.Count == 0)
        {
            return null;
        }

        var assignment = new Wire.Assignment { Namespace = pod.Namespace, Pod = pod.Name, Container = container.Name, Resource = resource };
        assignment.Devices.Add(devices);
        assignment.Gpus.Add(gpus);
        return assignment;
    }

    /// <summary>
    /// NVIDIA's device plugin names devices by UUID, or by index when told so; a time slice adds "::" and a number. Drivers before 470
    /// named a MIG device MIG-GPU-(UUID)/(GPU instance)/(compute instance).
    /// </summary>
    private static (string Uuid, uint? Gpu) Resolve(string id, bool ours, Wire.NodeReport report, Dictionary<string, uint> known)
    {
        var slice = id.IndexOf("::", StringComparison.Ordinal);
        var device = slice < 0 ? id : id[..slice];
        if (known.TryGetValue(device, out var gpu))
        {
            return (device, gpu);
        }

        if (device.StartsWith("MIG-GPU-", StringComparison.Ordinal) && device.IndexOf('/', StringComparison.Ordinal) is > 0 and var end && known.TryGetValue(device[4..end], out gpu))
        {
            return (device, gpu);
        }

        // "2", or "2:0" for the first MIG device of the third GPU.
        var index = device.Split(':')[0];
        if (ours && uint.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out gpu) && report.Gpus.FirstOrDefault(g => g.Index == gpu) is { } found)
        {
            return (index.Length == device.Length && found.Uuid.Length > 0 ? found.Uuid : device, gpu);
        }

        return (device, null);
    }
}
