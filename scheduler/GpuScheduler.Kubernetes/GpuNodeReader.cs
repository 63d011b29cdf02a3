using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Reads GpuNode objects (gpuscheduler.io/v1): the name of a node, and as spec what it says of its GPUs. A report is taken whole or
/// not at all; words of a later version are passed over.
/// </summary>
public static class GpuNodeReader
{
    private const int MigSlices = 8;

    private static readonly JsonParser s_parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    /// <summary>Reads a GpuNode object.</summary>
    /// <param name="utf8GpuNode">The object, whole.</param>
    /// <returns>The node's name, and its report.</returns>
    /// <exception cref="JsonException">It is not JSON, or has no name.</exception>
    /// <exception cref="InvalidReportException">The report cannot be right.</exception>
    public static (string Node, NodeReport Report) Read(ReadOnlySpan<byte> utf8GpuNode)
    {
        var name = ReadName(utf8GpuNode, out var spec);
        if (spec.IsEmpty)
        {
            throw new InvalidReportException(name, "spec is missing");
        }

        try
        {
            return (name, Convert(s_parser.Parse<Wire.NodeReport>(Encoding.UTF8.GetString(spec)), name));
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidJsonException or FormatException or OverflowException or InvalidOperationException
            && e is not InvalidReportException)
        {
            throw new InvalidReportException(name, $"spec is not a NodeReport: {e.Message}", e);
        }
    }

    /// <summary>The name of the object, and where its spec is.</summary>
    private static string ReadName(ReadOnlySpan<byte> utf8, out ReadOnlySpan<byte> spec)
    {
        spec = default;
        try
        {
            var name = "";
            var json = new Utf8JsonReader(utf8);
            JsonFields.Advance(ref json, "the GpuNode");
            if (!JsonFields.IsObject(ref json, "the GpuNode"))
            {
                throw JsonFields.Wrong(ref json, "the GpuNode", "an object");
            }

            while (JsonFields.NextField(ref json, "the GpuNode"))
            {
                if (json.ValueTextEquals("metadata"u8))
                {
                    name = ReadMetadata(ref json);
                }
                else if (json.ValueTextEquals("spec"u8))
                {
                    if (JsonFields.EnterObject(ref json, "spec"))
                    {
                        var start = (int)json.TokenStartIndex;
                        JsonFields.Skip(ref json, "spec");
                        spec = utf8[start..(int)json.BytesConsumed];
                    }
                }
                else
                {
                    JsonFields.Skip(ref json, "the GpuNode");
                }
            }

            return name.Length > 0 ? name : throw new JsonException("metadata.name is missing");
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("GpuNode", e);
        }
    }

    private static string ReadMetadata(ref Utf8JsonReader json)
    {
        var name = "";
        if (JsonFields.EnterObject(ref json, "metadata"))
        {
            while (JsonFields.NextField(ref json, "metadata"))
            {
                if (json.ValueTextEquals("name"u8))
                {
                    name = JsonFields.PooledText(ref json, "metadata.name") ?? "";
                }
                else
                {
                    JsonFields.Skip(ref json, "metadata");
                }
            }
        }

        return name;
    }

    private static NodeReport Convert(Wire.NodeReport report, string node)
    {
        var count = report.Gpus.Count;
        if (count > InterconnectMatrix.MostGpus)
        {
            throw new InvalidReportException(node, $"{count} GPUs are listed, and at most {InterconnectMatrix.MostGpus} are allowed");
        }

        var gpus = new GpuInfo?[count];
        var uuids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var gpu in report.Gpus)
        {
            if (gpu.Index >= count)
            {
                throw new InvalidReportException(node, $"GPU index {gpu.Index} with {count} GPUs: each index from 0 to {count - 1} is needed once");
            }

            if (gpus[gpu.Index] is not null)
            {
                throw new InvalidReportException(node, $"GPU index {gpu.Index} is listed twice");
            }

            if (gpu.Uuid.Length > 0 && !uuids.Add(gpu.Uuid))
            {
                throw new InvalidReportException(node, $"UUID {gpu.Uuid} is listed twice");
            }

            gpus[gpu.Index] = Convert(gpu, node);
        }

        var converted = gpus.Select(g => g!).ToImmutableArray();
        return new NodeReport(converted, report.Links.Count == 0 ? null : Convert(report.Links, count, node), Domain(report.NvlinkDomain))
        {
            Held = report.AssignmentsKnown ? Held(report, converted) : [],
            CachedData = [.. report.CachedData],
            ReachableData = [.. report.ReachableData],
        };
    }

    /// <summary>The devices of each pod. One that several pods hold is time-sliced, and says nothing about who has a GPU.</summary>
    private static ImmutableArray<HeldDevices> Held(Wire.NodeReport report, ImmutableArray<GpuInfo> gpus)
    {
        var byUuid = new Dictionary<string, AssignedDevice>(StringComparer.Ordinal);
        foreach (var gpu in gpus)
        {
            if (gpu.Uuid is { } uuid)
            {
                byUuid[uuid] = new AssignedDevice(gpu.Index, uuid);
            }

            foreach (var instance in gpu.Instances)
            {
                if (instance.Uuid is { } mig)
                {
                    byUuid[mig] = new AssignedDevice(gpu.Index, mig, instance.Placement);
                }
            }
        }

        var pods = report.Assignments.GroupBy(a => (a.Namespace, a.Pod), a => a.Devices).Select(p => (p.Key, Devices: p.SelectMany(d => d).Distinct(StringComparer.Ordinal).ToList())).ToList();
        var holders = pods.SelectMany(p => p.Devices).CountBy(d => d, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        return
        [
            .. pods.Select(p => new HeldDevices(
                p.Key.Namespace,
                p.Key.Pod,
                new DeviceAssignment([.. p.Devices.Where(byUuid.ContainsKey).Select(d => byUuid[d]).OrderBy(d => d.Gpu).ThenBy(d => d.Mig?.Start ?? -1)]),
                p.Devices.All(d => byUuid.ContainsKey(d) && holders[d] == 1))),
        ];
    }

    private static GpuInfo Convert(Wire.Gpu gpu, string node)
    {
        if (gpu.MemoryMib > int.MaxValue)
        {
            throw new InvalidReportException(node, $"GPU {gpu.Index}: memoryMib {gpu.MemoryMib} is too large");
        }

        var mode = gpu.MigMode switch
        {
            Wire.MigMode.Unspecified or Wire.MigMode.Disabled => MigMode.Disabled,
            Wire.MigMode.OnDemand => MigMode.OnDemand,
            // A mode of a later version: what is listed exists, and more is not certain.
            _ => MigMode.Fixed,
        };
        if (mode == MigMode.Disabled && gpu.MigInstances.Count > 0)
        {
            throw new InvalidReportException(node, $"GPU {gpu.Index} lists MIG instances: set its migMode to MIG_MODE_FIXED");
        }

        return new GpuInfo
        {
            Index = (int)gpu.Index,
            Uuid = NullIfEmpty(gpu.Uuid),
            MemoryMiB = (int)gpu.MemoryMib,
            Healthy = gpu.Health is not { Unhealthy: true },
            HealthReason = gpu.Health is { Unhealthy: true } health ? NullIfEmpty(health.Reason) : null,
            NumaNode = gpu.HasNumaNode ? Math.Max(gpu.NumaNode, -1) : -1,
            PciBusId = NullIfEmpty(gpu.PciBusId),
            Mig = mode,
            Instances = mode == MigMode.Fixed ? Instances(gpu, node) : [],
        };
    }

    private static ImmutableArray<MigInstance> Instances(Wire.Gpu gpu, string node)
    {
        var taken = 0;
        var instances = ImmutableArray.CreateBuilder<MigInstance>(gpu.MigInstances.Count);
        foreach (var instance in gpu.MigInstances)
        {
            if (instance.Profile.Length == 0)
            {
                throw new InvalidReportException(node, $"GPU {gpu.Index}: a MIG instance has no profile");
            }

            if (instance.Size is < 1 or > MigSlices || instance.Start > MigSlices - instance.Size)
            {
                throw new InvalidReportException(node, $"GPU {gpu.Index}: MIG instance {instance.Profile} at start {instance.Start} with size {instance.Size} does not lie within {MigSlices} memory slices");
            }

            var placement = new MigPlacement(instance.Profile, (int)instance.Start, (int)instance.Size);
            if ((taken & placement.Mask) != 0)
            {
                throw new InvalidReportException(node, $"GPU {gpu.Index}: MIG instance {instance.Profile} at start {instance.Start} overlaps another");
            }

            taken |= placement.Mask;
            instances.Add(new MigInstance(placement, NullIfEmpty(instance.Uuid)));
        }

        return instances.ToImmutable();
    }

    private static InterconnectMatrix Convert(IEnumerable<Wire.Link> links, int count, string node)
    {
        var nvlink = new int[count * count];
        var pcie = new PcieLevel[count * count];
        Array.Fill(pcie, PcieLevel.System);
        var seen = new bool[count * count];
        foreach (var link in links)
        {
            if (link.A >= count || link.B >= count)
            {
                throw new InvalidReportException(node, $"a link between GPUs {link.A} and {link.B}, and there are {count} GPUs");
            }

            if (link.A == link.B)
            {
                throw new InvalidReportException(node, $"a link of GPU {link.A} with itself");
            }

            var there = ((int)link.A * count) + (int)link.B;
            var back = ((int)link.B * count) + (int)link.A;
            if (seen[there])
            {
                throw new InvalidReportException(node, $"the link between GPUs {link.A} and {link.B} is listed twice");
            }

            if (link.Nvlinks == 0 && link.NvlinkMbps > 0)
            {
                throw new InvalidReportException(node, $"the link between GPUs {link.A} and {link.B} has {link.NvlinkMbps} MB/s of NVLink and no NVLink: set nvlinks");
            }

            var bandwidth = link.NvlinkMbps > 0 ? link.NvlinkMbps : (ulong)link.Nvlinks * InterconnectMatrix.UsualNvlinkMBps;
            if (bandwidth > int.MaxValue)
            {
                throw new InvalidReportException(node, $"the link between GPUs {link.A} and {link.B}: {bandwidth} MB/s cannot be");
            }

            seen[there] = seen[back] = true;
            nvlink[there] = nvlink[back] = (int)bandwidth;
            pcie[there] = pcie[back] = Level(link.Pcie);
        }

        return new InterconnectMatrix(count, nvlink, pcie);
    }

    private static PcieLevel Level(Wire.PcieLevel level) => level switch
    {
        Wire.PcieLevel.Internal => PcieLevel.Internal,
        Wire.PcieLevel.Single => PcieLevel.Single,
        Wire.PcieLevel.Multiple => PcieLevel.Multiple,
        Wire.PcieLevel.HostBridge => PcieLevel.HostBridge,
        Wire.PcieLevel.Node => PcieLevel.Node,
        // Not said, or a word of a later version: the farthest is the safe guess.
        _ => PcieLevel.System,
    };

    /// <summary>HGX machines report an all-zero cluster UUID although they belong to no multi-node domain.</summary>
    private static string? Domain(string domain)
    {
        var text = domain.Trim();
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var cluster = dot < 0 ? text : text[..dot];
        return cluster.AsSpan().IndexOfAnyExcept('0', '-') < 0 ? null : text;
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
