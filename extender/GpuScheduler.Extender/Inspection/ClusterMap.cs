using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Extender.Inspection;

/// <summary>
/// Writes the cluster in few bytes: names once, and then numbers. A card is 0 when it is free, n when the n-th owner has all of it,
/// ["m",slices,[start,size,owner],...] in MIG mode, and ["s",[permille,owner],...] when it is shared. docs/explain.md has the whole form.
/// </summary>
internal static class ClusterMap
{
    /// <summary>Thousandths in a whole card.</summary>
    private const int Whole = 1000;

    public static void Write(Utf8JsonWriter json, Snapshot snapshot)
    {
        var owners = new Dictionary<string, int>(StringComparer.Ordinal);
        var products = new Dictionary<string, int>(StringComparer.Ordinal);
        var listed = new List<Allocation>();
        var topology = snapshot.Topology;
        var level = LevelOf(topology);
        json.WriteStartObject();
        json.WriteNumber("generation", snapshot.Generation);
        json.WriteString("level", level < 0 ? "" : topology.NameOf(level));
        json.WriteStartArray("groups");
        var last = -2;
        foreach (var position in topology.Order)
        {
            if (snapshot.Nodes[position] is not { } node || node.Facts.Gpus.IsEmpty)
            {
                continue;
            }

            var domain = level < 0 ? -1 : topology.DomainOf(level, position);
            var group = domain >= 0 && topology.Domains(level)[domain].IsNamed ? domain : -1;
            if (group != last)
            {
                if (last != -2)
                {
                    json.WriteEndArray();
                    json.WriteEndObject();
                }

                last = group;
                json.WriteStartObject();
                json.WriteString("name", group < 0 ? "" : topology.Domains(level)[group].Name);
                json.WriteStartArray("nodes");
            }

            WriteNode(json, node, owners, listed, products);
        }

        if (last != -2)
        {
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("products");
        foreach (var product in products.OrderBy(p => p.Value))
        {
            json.WriteStringValue(product.Key);
        }

        json.WriteEndArray();
        json.WriteStartArray("owners");
        foreach (var allocation in listed)
        {
            json.WriteStartArray();
            json.WriteStringValue(allocation.Pod.ToString());
            json.WriteStringValue(allocation.Pod.Gang?.Key.ToString() ?? "");
            json.WriteStringValue(allocation.State.ToString().ToLowerInvariant());
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The level by which the map is ordered: racks, else the innermost that is more than NVLink, else what there is; -1 for none.</summary>
    private static int LevelOf(NetworkTopology topology)
    {
        var level = topology.FindLevel("rack");
        return level > 0 ? level
            : topology.Levels.Length == 0 ? -1
            : topology.NameOf(1) == "nvlink" && topology.Levels.Length > 1 ? 2
            : 1;
    }

    private static void WriteNode(Utf8JsonWriter json, NodeInfo node, Dictionary<string, int> owners, List<Allocation> listed, Dictionary<string, int> products)
    {
        var facts = node.Facts;
        if (!products.TryGetValue(facts.Product, out var product))
        {
            products[facts.Product] = product = products.Count;
        }

        var held = new List<(AssignedDevice Device, int Owner)>[facts.Gpus.Length];
        foreach (var allocation in node.Allocations)
        {
            foreach (var device in allocation.Devices.Devices)
            {
                if ((uint)device.Gpu >= (uint)held.Length)
                {
                    continue; // a conflict, which is said of the node
                }

                if (!owners.TryGetValue(allocation.Pod.Uid, out var owner))
                {
                    owners[allocation.Pod.Uid] = owner = owners.Count + 1;
                    listed.Add(allocation);
                }

                (held[device.Gpu] ??= []).Add((device, owner));
            }
        }

        json.WriteStartArray();
        json.WriteStringValue(facts.Name);
        json.WriteNumberValue(product);
        json.WriteStartArray();
        for (var gpu = 0; gpu < held.Length; gpu++)
        {
            WriteCard(json, facts, gpu, held[gpu]);
        }

        json.WriteEndArray();
        var faulty = facts.Gpus.Any(g => !g.Healthy);
        if (faulty || node.HasConflict)
        {
            json.WriteStartArray();
            foreach (var gpu in facts.Gpus.Where(g => !g.Healthy))
            {
                json.WriteNumberValue(gpu.Index);
            }

            json.WriteEndArray();
            if (node.HasConflict)
            {
                json.WriteNumberValue(1);
            }
        }

        json.WriteEndArray();
    }

    private static void WriteCard(Utf8JsonWriter json, NodeFacts facts, int gpu, List<(AssignedDevice Device, int Owner)>? held)
    {
        var card = facts.Gpus[gpu];
        if (held is [{ Device.IsWhole: true, Owner: var whole }, ..])
        {
            json.WriteNumberValue(whole);
        }
        else if (card.Mig != MigMode.Disabled)
        {
            json.WriteStartArray();
            json.WriteStringValue("m");
            json.WriteNumberValue(facts.MemorySlices);
            foreach (var (device, owner) in held ?? [])
            {
                if (device.Mig is { } mig)
                {
                    json.WriteStartArray();
                    json.WriteNumberValue(mig.Start);
                    json.WriteNumberValue(mig.Size);
                    json.WriteNumberValue(owner);
                    json.WriteEndArray();
                }
            }

            json.WriteEndArray();
        }
        else if (held is null)
        {
            json.WriteNumberValue(0);
        }
        else
        {
            json.WriteStartArray();
            json.WriteStringValue("s");
            foreach (var (device, owner) in held)
            {
                json.WriteStartArray();
                json.WriteNumberValue(Math.Max(device.Milli, card.MemoryMiB > 0 ? (int)Math.Min(Whole, (long)Whole * device.MemoryMiB / card.MemoryMiB) : 0));
                json.WriteNumberValue(owner);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }
    }
}
