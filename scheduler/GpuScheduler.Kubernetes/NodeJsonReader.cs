using System.Collections.Immutable;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Kubernetes.Sources;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Reads nodes: the name, the labels, the taints and the allocatable resources that the engine reads, what HAMi's annotations say of the
/// GPUs and ours of data, and nothing else. Nodes of one kind share the strings of their labels.
/// </summary>
public static class NodeJsonReader
{
    /// <summary>Reads a node.</summary>
    /// <param name="utf8Node">The node's object, whole.</param>
    /// <exception cref="JsonException">It is not JSON or not a node. The message names the field.</exception>
    public static NodeObject Read(ReadOnlySpan<byte> utf8Node)
    {
        var json = new Utf8JsonReader(utf8Node);
        JsonFields.Advance(ref json, "the node");
        var node = Read(ref json);
        if (json.Read())
        {
            throw new JsonException("something follows the node");
        }

        return node;
    }

    /// <summary>Reads a node within a larger text.</summary>
    /// <param name="json">Stands on the node's StartObject, and afterwards on its EndObject. The whole node must be in its buffer.</param>
    /// <exception cref="JsonException">It is not JSON or not a node. The message names the field.</exception>
    public static NodeObject Read(ref Utf8JsonReader json)
    {
        try
        {
            return ReadNode(ref json);
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("node", e);
        }
    }

    private static NodeObject ReadNode(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            throw JsonFields.Wrong(ref json, "the node", "an object");
        }

        var name = "";
        Dictionary<string, string>? labels = null;
        Dictionary<string, string>? allocatable = null;
        ImmutableArray<NodeTaint> taints = [];
        var annotations = default(Annotations);
        while (JsonFields.NextField(ref json, "the node"))
        {
            if (json.ValueTextEquals("metadata"u8))
            {
                ReadMetadata(ref json, ref name, ref labels, ref annotations);
            }
            else if (json.ValueTextEquals("spec"u8))
            {
                taints = ReadSpec(ref json);
            }
            else if (json.ValueTextEquals("status"u8))
            {
                allocatable = ReadStatus(ref json);
            }
            else
            {
                JsonFields.Skip(ref json, "the node");
            }
        }

        if (name.Length == 0)
        {
            throw new JsonException("metadata.name is missing");
        }

        return new NodeObject
        {
            Name = name,
            Labels = labels ?? [],
            Allocatable = allocatable ?? [],
            Taints = taints,
            Statement = annotations.Statement,
            CachedData = annotations.CachedData,
            ReachableData = annotations.ReachableData,
        };
    }

    private static void ReadMetadata(ref Utf8JsonReader json, ref string name, ref Dictionary<string, string>? labels, ref Annotations annotations)
    {
        if (!JsonFields.EnterObject(ref json, "metadata"))
        {
            return;
        }

        while (JsonFields.NextField(ref json, "metadata"))
        {
            if (json.ValueTextEquals("name"u8))
            {
                name = JsonFields.PooledText(ref json, "metadata.name") ?? "";
            }
            else if (json.ValueTextEquals("labels"u8))
            {
                labels = ReadLabels(ref json);
            }
            else if (json.ValueTextEquals("annotations"u8))
            {
                annotations = ReadAnnotations(ref json);
            }
            else
            {
                JsonFields.Skip(ref json, "metadata");
            }
        }
    }

    private static Annotations ReadAnnotations(ref Utf8JsonReader json)
    {
        var again = json;
        if (!JsonFields.EnterObject(ref json, "metadata.annotations"))
        {
            return default;
        }

        string? cached = null;
        string? reachable = null;
        using var hami = new HamiFingerprint();
        while (JsonFields.NextField(ref json, "metadata.annotations"))
        {
            if (json.ValueTextEquals(GpuAnnotations.CachedData))
            {
                cached = JsonFields.Text(ref json, "metadata.annotations");
            }
            else if (json.ValueTextEquals(GpuAnnotations.ReachableData))
            {
                reachable = JsonFields.Text(ref json, "metadata.annotations");
            }
            else if (!hami.TryAdd(ref json))
            {
                JsonFields.Skip(ref json, "metadata.annotations");
            }
        }

        return new Annotations(hami.IsEmpty ? null : HamiStatements.Get(hami, ref again), cached, reachable);
    }

    private static Dictionary<string, string>? ReadLabels(ref Utf8JsonReader json)
    {
        if (!JsonFields.EnterObject(ref json, "metadata.labels"))
        {
            return null;
        }

        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        while (JsonFields.NextField(ref json, "metadata.labels"))
        {
            var key = Utf8StringPool.Get(ref json);
            if (!NodeObject.KeepsLabel(key))
            {
                JsonFields.Skip(ref json, "metadata.labels");
            }
            else if (JsonFields.PooledText(ref json, "metadata.labels") is { } value)
            {
                labels[key] = value;
            }
        }

        return labels;
    }

    private static ImmutableArray<NodeTaint> ReadSpec(ref Utf8JsonReader json)
    {
        ImmutableArray<NodeTaint> taints = [];
        var isCordoned = false;
        if (!JsonFields.EnterObject(ref json, "spec"))
        {
            return taints;
        }

        while (JsonFields.NextField(ref json, "spec"))
        {
            if (json.ValueTextEquals("taints"u8))
            {
                taints = ReadTaints(ref json);
            }
            else if (json.ValueTextEquals("unschedulable"u8))
            {
                isCordoned = JsonFields.Flag(ref json, "spec.unschedulable");
            }
            else
            {
                JsonFields.Skip(ref json, "spec");
            }
        }

        return isCordoned && !taints.Contains(NodeTaint.Unschedulable) ? taints.Add(NodeTaint.Unschedulable) : taints;
    }

    private static ImmutableArray<NodeTaint> ReadTaints(ref Utf8JsonReader json)
    {
        const string Field = "spec.taints";
        if (!JsonFields.EnterArray(ref json, Field))
        {
            return [];
        }

        var taints = ImmutableArray.CreateBuilder<NodeTaint>();
        while (JsonFields.NextElement(ref json, Field))
        {
            if (!JsonFields.IsObject(ref json, Field))
            {
                continue;
            }

            var (key, value, effect) = ("", "", "");
            while (JsonFields.NextField(ref json, Field))
            {
                if (json.ValueTextEquals("key"u8))
                {
                    key = JsonFields.PooledText(ref json, "spec.taints[].key") ?? "";
                }
                else if (json.ValueTextEquals("value"u8))
                {
                    value = JsonFields.PooledText(ref json, "spec.taints[].value") ?? "";
                }
                else if (json.ValueTextEquals("effect"u8))
                {
                    effect = JsonFields.PooledText(ref json, "spec.taints[].effect") ?? "";
                }
                else
                {
                    JsonFields.Skip(ref json, Field);
                }
            }

            taints.Add(new NodeTaint(key, value, effect));
        }

        return taints.ToImmutable();
    }

    /// <summary>What the node offers: status.allocatable, or status.capacity where a node has not said more yet.</summary>
    private static Dictionary<string, string>? ReadStatus(ref Utf8JsonReader json)
    {
        if (!JsonFields.EnterObject(ref json, "status"))
        {
            return null;
        }

        Dictionary<string, string>? allocatable = null;
        Dictionary<string, string>? capacity = null;
        while (JsonFields.NextField(ref json, "status"))
        {
            if (json.ValueTextEquals("allocatable"u8))
            {
                allocatable = ReadResources(ref json, "status.allocatable");
            }
            else if (json.ValueTextEquals("capacity"u8))
            {
                capacity = ReadResources(ref json, "status.capacity");
            }
            else
            {
                JsonFields.Skip(ref json, "status");
            }
        }

        return allocatable ?? capacity;
    }

    private static Dictionary<string, string>? ReadResources(ref Utf8JsonReader json, string field)
    {
        if (!JsonFields.EnterObject(ref json, field))
        {
            return null;
        }

        var resources = new Dictionary<string, string>(StringComparer.Ordinal);
        while (JsonFields.NextField(ref json, field))
        {
            var resource = Utf8StringPool.Get(ref json);
            if (!NodeObject.KeepsResource(resource))
            {
                JsonFields.Skip(ref json, field);
            }
            else if (JsonFields.QuantityText(ref json, field) is { } quantity)
            {
                resources[resource] = quantity;
            }
        }

        return resources;
    }

    private readonly record struct Annotations(NodeStatement? Statement, string? CachedData, string? ReachableData);
}
