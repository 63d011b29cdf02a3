using System.Runtime.InteropServices;
using System.Text.Json;

namespace GpuScheduler.Simulator.Report;

/// <summary>
/// The clusters of a report's maps, each embedded once: names, groups, cards and CPU of its nodes. What differs between policies travels
/// with each map. Integers are packed little-endian and in base64, a third of their size as JSON.
/// </summary>
internal sealed class ClusterStore
{
    private readonly List<IReadOnlyList<MapNode>> _clusters = [];

    /// <summary>The number of the cluster that these nodes make up, new if none before was the same.</summary>
    public int Add(IReadOnlyList<MapNode> nodes)
    {
        var known = _clusters.FindIndex(c => c.Count == nodes.Count && c.Zip(nodes).All(p => Same(p.First, p.Second)));
        if (known < 0)
        {
            known = _clusters.Count;
            _clusters.Add(nodes);
        }

        return known;

        static bool Same(MapNode a, MapNode b) => a.Name == b.Name && a.Group == b.Group && a.CpuMilli == b.CpuMilli && a.Cards.Count == b.Cards.Count;
    }

    /// <summary>Writes all clusters as an array.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var nodes in _clusters)
        {
            var groups = nodes.Select(n => n.Group).Distinct().Index().ToDictionary(g => g.Item, g => g.Index);
            json.WriteStartObject();
            Strings(json, "groups", groups.Keys);
            Strings(json, "names", nodes.Select(n => n.Name));
            Packed(json, "group", nodes.Select(n => groups[n.Group]));
            Packed(json, "cards", nodes.Select(n => n.Cards.Count));
            Packed(json, "cpu", nodes.Select(n => Milli(n.CpuMilli)));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Writes what a map says of its cluster.</summary>
    public static void WriteMap(Utf8JsonWriter json, ClusterMap map, int cluster, int policy)
    {
        var cards = map.Nodes.SelectMany(n => n.Cards).ToArray();
        json.WriteStartObject();
        json.WriteNumber("policy", policy);
        json.WriteNumber("cluster", cluster);
        Packed(json, "free", map.Nodes.Select(n => Milli(n.FreeCpuMilli)));
        Packed(json, "left", cards.Select(c => 1000 - c.UsedMilli));
        Packed(json, "class", cards.Select(c => IdleByRemainder.ClassOf(1000 - c.UsedMilli) ?? -1));
        json.WriteStartObject("condition");
        foreach (var (i, node) in map.Nodes.Index())
        {
            if (node.Condition != NodeCondition.Ready)
            {
                json.WriteString(i.ToString(System.Globalization.CultureInfo.InvariantCulture), node.Condition == NodeCondition.Cordoned ? "cordoned" : "unhealthy");
            }
        }

        json.WriteEndObject();
        json.WriteStartArray("unhealthy");
        foreach (var (i, card) in cards.Index())
        {
            if (!card.Healthy)
            {
                json.WriteNumberValue(i);
            }
        }

        json.WriteEndArray();
        json.WriteStartObject("slices");
        foreach (var (i, card) in cards.Index())
        {
            if (card.Slices.Count > 0)
            {
                json.WriteStartArray(i.ToString(System.Globalization.CultureInfo.InvariantCulture));
                foreach (var slice in card.Slices)
                {
                    json.WriteStartArray();
                    json.WriteStringValue(slice.Profile);
                    json.WriteNumberValue(slice.StartMilli);
                    json.WriteNumberValue(slice.SizeMilli);
                    json.WriteNumberValue(slice.Used ? 1 : 0);
                    json.WriteEndArray();
                }

                json.WriteEndArray();
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static int Milli(long milli) => (int)Math.Clamp(milli, int.MinValue, int.MaxValue);

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    /// <summary>Integers as an array of the narrowest signed type that holds them: [bytes an integer, base64].</summary>
    private static void Packed(Utf8JsonWriter json, string name, IEnumerable<int> values)
    {
        var all = values.ToArray();
        json.WriteStartArray(name);
        if (all.All(v => v is >= sbyte.MinValue and <= sbyte.MaxValue))
        {
            Write(1, MemoryMarshal.AsBytes(all.Select(v => (sbyte)v).ToArray().AsSpan()));
        }
        else if (all.All(v => v is >= short.MinValue and <= short.MaxValue))
        {
            Write(2, MemoryMarshal.AsBytes(all.Select(v => (short)v).ToArray().AsSpan()));
        }
        else
        {
            Write(4, MemoryMarshal.AsBytes(all.AsSpan()));
        }

        json.WriteEndArray();

        void Write(int size, ReadOnlySpan<byte> bytes)
        {
            json.WriteNumberValue(size);
            json.WriteBase64StringValue(bytes);
        }
    }
}
