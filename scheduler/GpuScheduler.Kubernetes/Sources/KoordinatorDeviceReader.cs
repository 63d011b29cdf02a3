using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Kubernetes.Groups;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>
/// Reads Koordinator's Device objects (scheduling.koordinator.sh/v1alpha1), which have the names of their nodes. One is taken whole or
/// not at all; the partitions likewise, by themselves.
/// </summary>
/// <remarks>
/// Sources, in koordinator-sh/koordinator: apis/scheduling/v1alpha1/device_types.go (Device), apis/extension/device_share.go (resources,
/// labels gpu-vendor and gpu-model, annotation gpu-partitions), pkg/koordlet/statesinformer (what is written). Not read: moduleID,
/// vfGroups, conditions, status.
/// </remarks>
internal static class KoordinatorDeviceReader
{
    private const string Partitions = "scheduling.koordinator.sh/gpu-partitions";
    private const string VendorLabel = "node.koordinator.sh/gpu-vendor";
    private const string ModelLabel = "node.koordinator.sh/gpu-model";
    private const string MemoryResource = "koordinator.sh/gpu-memory";
    private const string NvlinkType = "NVLink";
    private const int LongestId = 128;
    private const int LongestPartitions = 64 * 1024;
    private const int MostPartitions = 4096;

    /// <summary>Reads an object.</summary>
    /// <param name="json">The object, whole.</param>
    /// <exception cref="JsonException">It is not JSON, or has no name.</exception>
    public static SourceObject Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        try
        {
            var fields = new ObjectFields(document.RootElement);
            var node = fields.Text("metadata", "name") ?? throw new JsonException(fields.Problem ?? "metadata.name is missing");
            return new SourceObject(node, Read(fields));
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("Device", e);
        }
    }

    private static NodeStatement Read(ObjectFields fields)
    {
        var isOfOthers = fields.Text("metadata", "labels", VendorLabel) is { } vendor && !vendor.Equals("nvidia", StringComparison.OrdinalIgnoreCase);
        var model = fields.Text("metadata", "labels", ModelLabel);
        var product = model is { Length: <= LongestId } ? GpuCatalogue.LabelOf(model) : null;
        var gpus = isOfOthers ? [] : fields.List("spec", "devices").Where(d => d.Text("type") == "gpu").Select(d => Gpu(d, product)).OrderBy(g => g.Number).ToImmutableArray();
        if ((fields.Problem ?? Check(gpus)) is { } problem)
        {
            return NodeStatement.Unusable(FactSource.Koordinator, $"Koordinator's Device is not used: {problem}");
        }

        var statement = new NodeStatement(FactSource.Koordinator, gpus) { Pcie = NodeStatement.PcieBetween(gpus) };
        if (gpus.IsEmpty || fields.Text("metadata", "annotations", Partitions) is not { } partitions)
        {
            return statement;
        }

        var nvlink = Nvlink(partitions, gpus, out var wrong);
        return wrong is null ? statement with { Nvlink = nvlink } : statement with { Warnings = [$"annotation {Partitions} of Koordinator's Device is not used: {wrong}"] };
    }

    private static GpuStatement Gpu(ObjectFields device, string? product)
    {
        var healthy = device.Flag("health") ?? false; // the default of its definition
        var node = device.Integer("topology", "nodeID") ?? -1;
        var root = device.Text("topology", "pcieID");
        return new GpuStatement
        {
            Number = device.Integer("minor") ?? -1,
            Uuid = device.Text("id"),
            Product = product,
            MemoryMiB = device.Mebibytes("resources", MemoryResource) ?? 0,
            Healthy = healthy,
            HealthReason = healthy ? null : "health is false in Koordinator's Device",
            NumaNode = Math.Max(node, -1),
            PciBusId = device.Text("topology", "busID"),
            PcieRoot = root is null or "-1" ? null : root,
        };
    }

    private static string? Check(ImmutableArray<GpuStatement> gpus)
    {
        if (gpus.Length > InterconnectMatrix.MostGpus)
        {
            return $"{gpus.Length} GPUs are listed, and at most {InterconnectMatrix.MostGpus} are allowed";
        }

        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < gpus.Length; i++)
        {
            var gpu = gpus[i];
            if (gpu.Number < 0)
            {
                return "a GPU has no minor, or a negative one";
            }

            if (i > 0 && gpus[i - 1].Number == gpu.Number)
            {
                return $"minor {gpu.Number} is listed twice";
            }

            if (gpu.Uuid is not { Length: <= LongestId } id)
            {
                return $"the GPU with minor {gpu.Number} has no id, or one of more than {LongestId} characters";
            }

            if (!ids.Add(id))
            {
                return $"id {id} is listed twice";
            }
        }

        return null;
    }

    /// <summary>
    /// By size, sets of minors that are linked among themselves. A pair has the bandwidth of the best partition that holds both; what no
    /// partition holds has no NVLink.
    /// </summary>
    private static InterconnectMatrix? Nvlink(string text, ImmutableArray<GpuStatement> gpus, out string? problem)
    {
        if (text.Length > LongestPartitions)
        {
            problem = $"it is longer than {LongestPartitions / 1024} Ki characters";
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            var fields = new ObjectFields(document.RootElement);
            var nvlink = new int[gpus.Length * gpus.Length];
            var partitions = document.RootElement.ValueKind == JsonValueKind.Object ? fields.Keys().SelectMany(size => fields.List(size)).Take(MostPartitions + 1).ToList() : null;
            problem = partitions is null ? "it is not a JSON object" : partitions.Count > MostPartitions ? $"it has more than {MostPartitions} partitions" : null;
            foreach (var partition in problem is null ? partitions! : [])
            {
                var members = partition.Numbers("minors");
                var isNvlink = partition.Text("gpuLinkType") == NvlinkType;
                var bandwidth = Bandwidth(partition);
                problem = fields.Problem;
                if (problem is null && isNvlink && !Link(gpus, members, bandwidth, nvlink))
                {
                    problem = $"{partition.Name("minors")} names a GPU twice, or one that is not among the devices";
                }

                if (problem is not null)
                {
                    break;
                }
            }

            problem ??= fields.Problem;
            var matrix = problem is null ? new InterconnectMatrix(gpus.Length, nvlink, new PcieLevel[nvlink.Length]) : null;
            return matrix is { HasNvlink: true } ? matrix : null;
        }
        catch (JsonException e)
        {
            problem = $"it is not JSON: {e.Message.TrimEnd('.')}";
            return null;
        }
        catch (InvalidOperationException)
        {
            problem = "it holds a string that is not valid Unicode";
            return null;
        }
    }

    /// <summary>Of a ring through the partition, in MB/s: what a pair gets at least.</summary>
    private static int Bandwidth(ObjectFields partition)
    {
        if (partition.Text("ringBusBandwidth") is not { } text)
        {
            return InterconnectMatrix.UsualNvlinkMBps;
        }

        if (text.Length <= 40 && Quantity.TryParseBytes(text, out var bytes) && bytes / 1_000_000 is > 0 and <= int.MaxValue)
        {
            return (int)(bytes / 1_000_000);
        }

        partition.Fail(string.Create(CultureInfo.InvariantCulture, $"{partition.Name("ringBusBandwidth")} is no quantity of bytes a second from 1M on"));
        return 0;
    }

    private static bool Link(ImmutableArray<GpuStatement> gpus, List<int> minors, int bandwidth, int[] nvlink)
    {
        if (minors.Count > gpus.Length || minors.Distinct().Count() < minors.Count)
        {
            return false;
        }

        var numbers = gpus.Select(g => g.Number).ToList();
        var members = minors.ConvertAll(numbers.IndexOf);
        foreach (var a in members)
        {
            foreach (var b in members)
            {
                if (a < 0 || b < 0)
                {
                    return false;
                }

                if (a != b)
                {
                    ref var pair = ref nvlink[(a * gpus.Length) + b];
                    pair = Math.Max(pair, bandwidth);
                }
            }
        }

        return true;
    }
}
