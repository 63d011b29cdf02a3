using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>How the lines of a recording are written.</summary>
internal static class RecordingJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        IgnoreReadOnlyProperties = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(), new MatrixConverter(), new DialectConverter(), new DemandsConverter(), new LevelConverter() },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { ValuesOnly } },
    };

    /// <summary>Of settings only what is a value: who plans and who hears of it is not.</summary>
    private static void ValuesOnly(JsonTypeInfo type)
    {
        for (var i = type.Properties.Count - 1; type.Type == typeof(GangOptions) && i >= 0; i--)
        {
            if (!type.Properties[i].PropertyType.IsValueType)
            {
                type.Properties.RemoveAt(i);
            }
        }

        foreach (var property in type.Properties)
        {
            // What has another default than its type's is written always: a value that is left out would be read as the default.
            property.ShouldSerialize = property.PropertyType.IsValueType && Nullable.GetUnderlyingType(property.PropertyType) is null ? static (_, _) => true : static (_, value) => value is not null;
        }
    }

    private sealed class MatrixConverter : JsonConverter<InterconnectMatrix>
    {
        public override InterconnectMatrix Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var lines = JsonSerializer.Deserialize<int[][]>(ref reader, options)!;
            return new InterconnectMatrix((int)Math.Sqrt(lines[0].Length), lines[0], Array.ConvertAll(lines[1], l => (PcieLevel)l));
        }

        public override void Write(Utf8JsonWriter writer, InterconnectMatrix value, JsonSerializerOptions options)
        {
            var count = value.GpuCount;
            var pairs = Enumerable.Range(0, count * count).Select(i => (A: i / count, B: i % count)).ToArray();
            JsonSerializer.Serialize(writer, new[] { Array.ConvertAll(pairs, p => value.NvlinkMBps(p.A, p.B)), Array.ConvertAll(pairs, p => (int)value.Pcie(p.A, p.B)) }, options);
        }
    }

    private sealed class DialectConverter : JsonConverter<ShareDialect>
    {
        public override ShareDialect Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var name = reader.GetString();
            return ShareDialects.All.FirstOrDefault(d => d.Name == name) ?? throw new JsonException($"there is no dialect {name}");
        }

        public override void Write(Utf8JsonWriter writer, ShareDialect value, JsonSerializerOptions options) => writer.WriteStringValue(value.Name);
    }

    private sealed class DemandsConverter : JsonConverter<NodeDemands>
    {
        public override NodeDemands Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var parts = JsonSerializer.Deserialize<Parts>(ref reader, options)!;
            return new NodeDemands([], parts.Terms, parts.Tolerations, parts.Unjudged);
        }

        public override void Write(Utf8JsonWriter writer, NodeDemands value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, new Parts(value.Terms, value.Tolerations, value.Unjudged), options);

        private sealed record Parts(ImmutableArray<ImmutableArray<NodeRequirement>> Terms, ImmutableArray<Toleration> Tolerations, string? Unjudged);
    }

    private sealed class LevelConverter : JsonConverter<TopologyLevel>
    {
        public override TopologyLevel Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number ? TopologyLevel.OfTier(reader.GetInt32()) : TopologyLevel.OfKey(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, TopologyLevel value, JsonSerializerOptions options)
        {
            if (value.Tier > 0)
            {
                writer.WriteNumberValue(value.Tier);
            }
            else
            {
                writer.WriteStringValue(value.Key);
            }
        }
    }
}
