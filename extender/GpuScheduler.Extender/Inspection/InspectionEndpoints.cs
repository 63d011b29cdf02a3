using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Extender.Inspection;

/// <summary>GET /v1/nodes and /v1/nodes/{name}: what we believe of the nodes, who holds what, and where each fact is from. Read-only.</summary>
internal sealed class InspectionEndpoints(ClusterState cluster)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/nodes", ListAsync);
        routes.MapGet("/v1/nodes/{name}", ShowAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        var snapshot = cluster.Current;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteNumber("generation", snapshot.Generation);
        json.WriteStartArray("nodes");
        for (var i = 0; i < snapshot.Nodes.Length; i++)
        {
            if (snapshot.Nodes[i] is not { } node)
            {
                continue;
            }

            json.WriteStartObject();
            WriteSummary(json, node);
            json.WriteEndObject();
            if (json.BytesPending > 32 * 1024)
            {
                await json.FlushAsync(context.RequestAborted);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task ShowAsync(HttpContext context)
    {
        var name = (string)context.Request.RouteValues["name"]!;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        if (cluster.Current.Find(name) is { } node)
        {
            WriteSummary(json, node);
            WriteDetail(json, node);
            json.WriteStartArray("findings");
            foreach (var finding in cluster.Findings(name))
            {
                json.WriteStringValue($"{finding.Pod}: {finding.Text}");
            }

            json.WriteEndArray();
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            json.WriteString("error", $"node {name} is not known; GET /v1/nodes lists those that are");
        }

        json.WriteEndObject();
    }

    private static void WriteSummary(Utf8JsonWriter json, NodeInfo node)
    {
        json.WriteString("name", node.Facts.Name);
        json.WriteString("product", node.Facts.Product);
        json.WriteNumber("gpus", node.Facts.Gpus.Length);
        json.WriteNumber("allocatableGpus", node.Facts.AllocatableGpus);
        json.WriteNumber("freeGpus", node.FreeGpus);
        json.WriteNumber("usedGpus", node.UsedGpus);
        json.WriteNumber("unhealthyGpus", node.Facts.Gpus.Count(g => !g.Healthy));
        json.WriteNumber("freeMilli", node.FreeCardMilli);
        json.WriteString("source", node.Facts.Sources.TryGetValue("gpus", out var source) ? source.ToString().ToLowerInvariant() : "");
        json.WriteNumber("warningCount", node.Facts.Warnings.Length);
        json.WriteBoolean("closed", node.Facts.Taints.Any(t => t.IsCondition));
        if (node.Facts.Geometry is { } geometry)
        {
            json.WriteStartObject("mig");
            for (var p = 0; p < geometry.Profiles.Length; p++)
            {
                if (node.Facts.AllocatableMig[p] > 0)
                {
                    json.WriteStartObject(geometry.Profiles[p].Name);
                    json.WriteNumber("allocatable", node.Facts.AllocatableMig[p]);
                    json.WriteNumber("free", node.FreeMig[p]);
                    json.WriteEndObject();
                }
            }

            json.WriteEndObject();
        }

        json.WriteBoolean("conflict", node.HasConflict);
    }

    private static void WriteDetail(Utf8JsonWriter json, NodeInfo node)
    {
        json.WriteNumber("freeCpuMilli", node.FreeCpuMilli);
        json.WriteNumber("freeMemoryBytes", node.FreeMemoryBytes);
        json.WriteString("catalogue", node.Facts.Model?.Name);
        json.WriteString("nvlinkDomain", node.Facts.NvlinkDomain);
        json.WriteStartArray("devicePlugins");
        foreach (var plugin in Enum.GetValues<DevicePlugins>().Where(p => p != DevicePlugins.None && node.Facts.Plugins.HasFlag(p)))
        {
            json.WriteStringValue(plugin.ToString().ToLowerInvariant());
        }

        json.WriteEndArray();
        json.WriteStartObject("data");
        foreach (var (data, nearness) in node.Facts.Data.OrderByDescending(d => d.Value).ThenBy(d => d.Key, StringComparer.Ordinal))
        {
            json.WriteNumber(data, nearness);
        }

        json.WriteEndObject();
        json.WriteStartObject("sources");
        foreach (var (fact, source) in node.Facts.Sources.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            json.WriteString(fact, source.ToString().ToLowerInvariant());
        }

        json.WriteEndObject();
        json.WriteStartArray("warnings");
        foreach (var warning in node.Facts.Warnings)
        {
            json.WriteStringValue(warning);
        }

        json.WriteEndArray();
        json.WriteStartArray("devices");
        for (var i = 0; i < node.Facts.Gpus.Length; i++)
        {
            WriteDevice(json, node, i);
        }

        json.WriteEndArray();
        json.WriteStartArray("nvlinkGBps");
        for (var a = 0; a < node.Facts.Gpus.Length && node.Facts.Links.HasNvlink; a++)
        {
            json.WriteStartArray();
            for (var b = 0; b < node.Facts.Gpus.Length; b++)
            {
                json.WriteNumberValue(node.Facts.Links.NvlinkMBps(a, b) / 1000.0);
            }

            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteStartArray("pcie");
        for (var a = 0; a < node.Facts.Gpus.Length; a++)
        {
            json.WriteStartArray();
            for (var b = 0; b < node.Facts.Gpus.Length; b++)
            {
                json.WriteStringValue(a == b ? "self" : node.Facts.Links.Pcie(a, b).ToString().ToLowerInvariant());
            }

            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteStartArray("allocations");
        foreach (var allocation in node.Allocations)
        {
            json.WriteStartObject();
            json.WriteString("pod", allocation.Pod.ToString());
            json.WriteString("uid", allocation.Pod.Uid);
            json.WriteString("state", allocation.State.ToString().ToLowerInvariant());
            if (allocation.Expires is { } expires)
            {
                json.WriteString("expires", expires);
            }

            json.WritePropertyName("devices");
            json.WriteRawValue(allocation.Devices.ToAnnotation());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDevice(Utf8JsonWriter json, NodeInfo node, int i)
    {
        var gpu = node.Facts.Gpus[i];
        var use = node.Use[i];
        json.WriteStartObject();
        json.WriteNumber("gpu", i);
        json.WriteString("uuid", gpu.Uuid);
        json.WriteNumber("memoryMiB", gpu.MemoryMiB);
        json.WriteBoolean("healthy", gpu.Healthy);
        if (gpu.HealthReason is { } reason)
        {
            json.WriteString("healthReason", reason);
        }

        if (gpu.NumaNode >= 0)
        {
            json.WriteNumber("numaNode", gpu.NumaNode);
        }

        json.WriteString("pciBusId", gpu.PciBusId);
        json.WriteString("mig", gpu.Mig.ToString().ToLowerInvariant());
        json.WriteString("use", use.Whole ? "whole" : use.Shares > 0 ? "shared" : use.MigMask != 0 ? "mig" : "idle");
        if (use.Shares > 0)
        {
            json.WriteNumber("freeMilli", SharePacking.WholeCard - use.Milli);
            json.WriteNumber("freeMemoryMiB", gpu.MemoryMiB - use.MemoryMiB);
        }

        if (gpu.Mig != MigMode.Disabled)
        {
            json.WriteString("slicesTaken", Convert.ToString(use.MigMask, 2).PadLeft(node.Facts.MemorySlices, '0'));
        }

        json.WriteEndObject();
    }
}
