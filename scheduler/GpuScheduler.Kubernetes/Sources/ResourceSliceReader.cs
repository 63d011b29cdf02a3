using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Kubernetes.Groups;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>
/// Reads ResourceSlices of NVIDIA's DRA driver (resource.k8s.io v1, v1beta2 and v1beta1, which has a device's fields within "basic").
/// Of slices of other drivers, and of those that are not of one node, only the name is kept.
/// </summary>
/// <remarks>
/// Sources: resource/v1/types.go, v1beta2 and v1beta1 in kubernetes/api; cmd/gpu-kubelet-plugin/deviceinfo.go, mig.go, partitions.go and
/// device_health.go in kubernetes-sigs/dra-driver-nvidia-gpu (before, NVIDIA/k8s-dra-driver-gpu). Devices: gpu-MINOR of type gpu;
/// gpu-MINOR-mig-PROFILE-ID-START of type mig, with a uuid if it exists and with counters memory-slice-N if it could be made. Devices of
/// other types (vfio) are given away from CUDA, and not read.
/// </remarks>
internal static partial class ResourceSliceReader
{
    private const string Driver = "gpu.nvidia.com";
    private const string StandardPrefix = "resource.kubernetes.io/";
    private const int LongestId = 128;
    private const int MigSlices = 8;

    /// <summary>Reads an object.</summary>
    /// <param name="json">The object, whole.</param>
    /// <exception cref="JsonException">It is not JSON, or has no name.</exception>
    public static ResourceSlice Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        try
        {
            var fields = new ObjectFields(document.RootElement);
            var name = fields.Text("metadata", "name") ?? throw new JsonException(fields.Problem ?? "metadata.name is missing");
            return Read(name, fields);
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("ResourceSlice", e);
        }
    }

    private static ResourceSlice Read(string name, ObjectFields fields)
    {
        var node = fields.Text("spec", "nodeName");
        if (fields.Text("spec", "driver") != Driver || node is null)
        {
            return new ResourceSlice(name, "", "", 0, 0, []);
        }

        var devices = ImmutableArray.CreateBuilder<SliceDevice>();
        foreach (var item in fields.List("spec", "devices"))
        {
            var deviceName = item.Text("name") ?? "";
            var device = item.Object("basic") ?? item;
            var type = Attribute(device, "type");
            if (type is "gpu" or "mig" && Device(deviceName, type, device) is { } read)
            {
                devices.Add(read);
            }
        }

        return new ResourceSlice(
            name,
            node,
            fields.Text("spec", "pool", "name") ?? "",
            fields.Long("spec", "pool", "generation") ?? 0,
            fields.Long("spec", "pool", "resourceSliceCount") ?? 1,
            devices.ToImmutable()) { Problem = fields.Problem };
    }

    private static SliceDevice? Device(string name, string type, ObjectFields device)
    {
        var isMig = type == "mig";
        var uuid = Attribute(device, "uuid");
        var gpu = isMig ? Attribute(device, "parentUUID") : uuid;
        if (gpu is not { Length: <= LongestId } || uuid is { Length: > LongestId } || name.Length > LongestId)
        {
            device.Fail($"device \"{name}\" has no {(isMig ? "parentUUID" : "uuid")}, or a name or UUID of more than {LongestId} characters");
            return null;
        }

        var match = isMig ? MigName().Match(name) : GpuName().Match(name);
        if (!match.Success || !int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
        {
            device.Fail($"device \"{name}\" is not named as the driver names devices of type {type}");
            return null;
        }

        var product = Attribute(device, "productName");
        return new SliceDevice
        {
            Name = name,
            Minor = minor,
            GpuUuid = gpu,
            Mig = isMig ? Placement(name, device) : null,
            MigUuid = isMig ? uuid : null,
            Product = product is { Length: <= LongestId } ? GpuCatalogue.LabelOf(product) : null,
            MemoryMiB = isMig ? 0 : device.Mebibytes("capacity", "memory", "value") ?? 0,
            NumaNode = Math.Max(device.Integer("attributes", StandardPrefix + "numaNode", "int") ?? -1, -1),
            PciBusId = device.Text("attributes", StandardPrefix + "pciBusID", "string"),
            PcieRoot = device.Text("attributes", StandardPrefix + "pcieRoot", "string"),
            Taint = Taint(device),
        };
    }

    /// <summary>The memory slices that a MIG device takes, by its counters if it could be made, by its capacity if it exists.</summary>
    private static MigPlacement? Placement(string name, ObjectFields device)
    {
        var slices = device.List("consumesCounters").SelectMany(c => SliceNumbers(c.Keys("counters"), "memory-slice-"))
            .Concat(SliceNumbers(device.Keys("capacity"), "memorySlice")).Distinct().Order().ToList();
        if (Attribute(device, "profile") is not { Length: <= LongestId } profile || slices.Count == 0 || slices[^1] - slices[0] != slices.Count - 1 || slices[^1] >= MigSlices)
        {
            device.Fail($"MIG device \"{name}\" has no profile, or its memory slices are not a row within {MigSlices}");
            return null;
        }

        return new MigPlacement(profile, slices[0], slices.Count);
    }

    private static IEnumerable<int> SliceNumbers(List<string> names, string prefix)
    {
        foreach (var name in names)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var slice))
            {
                yield return slice;
            }
        }
    }

    /// <summary>A taint without effect is a notice: an XID by a fault of an application, a GPU that cannot be monitored.</summary>
    private static string? Taint(ObjectFields device)
    {
        foreach (var taint in device.List("taints"))
        {
            if (taint.Text("effect") is "NoSchedule" or "NoExecute")
            {
                var (key, value) = (taint.Text("key") ?? "", taint.Text("value"));
                return value is null ? $"taint {key}" : $"taint {key}={value}";
            }
        }

        return null;
    }

    /// <summary>Names without a domain are in that of the driver, and may be written with it.</summary>
    private static string? Attribute(ObjectFields device, string name) =>
        device.Text("attributes", name, "string") ?? device.Text("attributes", $"{Driver}/{name}", "string");

    [GeneratedRegex("^gpu-([0-9]{1,9})$")]
    private static partial Regex GpuName();

    [GeneratedRegex("^gpu-([0-9]{1,9})-mig-.+-[0-9]+-[0-9]+$")]
    private static partial Regex MigName();
}
