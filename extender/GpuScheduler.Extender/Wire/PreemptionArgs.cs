using System.Collections.Immutable;
using System.Text.Json;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Wire;

/// <summary>Reads ExtenderPreemptionArgs and writes ExtenderPreemptionResult, which names victims by UID whatever was sent.</summary>
internal static class PreemptionArgs
{
    /// <exception cref="WireException">The body cannot be understood.</exception>
    public static (PodInfo Pod, List<PreemptionCandidate> Candidates) Read(ReadOnlySpan<byte> body, DialectSet? dialects = null)
    {
        try
        {
            return ReadArgs(body, dialects);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new WireException($"the body is not as expected: {e.Message}");
        }
    }

    public static void Write(SegmentedBuffer output, IReadOnlyList<PreemptionCandidate> candidates)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("NodeNameToMetaVictims"u8);
            foreach (var candidate in candidates)
            {
                json.WriteStartObject(candidate.Node);
                json.WriteStartArray("Pods"u8);
                foreach (var uid in candidate.VictimUids)
                {
                    json.WriteStartObject();
                    json.WriteString("UID"u8, uid);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteNumber("NumPDBViolations"u8, candidate.PdbViolations);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        output.Write(buffer.WrittenSpan);
    }

    private static (PodInfo Pod, List<PreemptionCandidate> Candidates) ReadArgs(ReadOnlySpan<byte> body, DialectSet? dialects)
    {
        var json = new Utf8JsonReader(body);
        PodInfo? pod = null;
        List<PreemptionCandidate>? candidates = null;
        Open(ref json, "an object with Pod and NodeNameToMetaVictims or NodeNameToVictims is expected");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString()!;
            json.Read();
            if (json.TokenType == JsonTokenType.Null)
            {
                continue;
            }

            if (name.Equals("Pod", StringComparison.OrdinalIgnoreCase))
            {
                pod = PodJsonReader.Read(ref json, dialects: dialects);
            }
            else if (name.Equals("NodeNameToMetaVictims", StringComparison.OrdinalIgnoreCase) || name.Equals("NodeNameToVictims", StringComparison.OrdinalIgnoreCase))
            {
                candidates = ReadCandidates(ref json, name);
            }
            else
            {
                json.Skip();
            }
        }

        return (pod ?? throw new WireException("Pod is missing"),
            candidates ?? throw new WireException("neither NodeNameToMetaVictims nor NodeNameToVictims is given"));
    }

    private static List<PreemptionCandidate> ReadCandidates(ref Utf8JsonReader json, string property)
    {
        var candidates = new List<PreemptionCandidate>();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            throw new WireException($"{property} must be an object by node name");
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var node = json.GetString()!;
            var victims = ImmutableArray.CreateBuilder<string>();
            long violations = 0;
            Open(ref json, $"the victims of node {node} must be an object with Pods");
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var name = json.GetString()!;
                json.Read();
                if (name.Equals("Pods", StringComparison.OrdinalIgnoreCase) && json.TokenType != JsonTokenType.Null)
                {
                    ReadVictims(ref json, victims, node);
                }
                else if (name.Equals("NumPDBViolations", StringComparison.OrdinalIgnoreCase) && json.TokenType == JsonTokenType.Number)
                {
                    violations = json.GetInt64();
                }
                else
                {
                    json.Skip();
                }
            }

            candidates.Add(new PreemptionCandidate(node, victims.ToImmutable(), violations));
        }

        return candidates;
    }

    private static void ReadVictims(ref Utf8JsonReader json, ImmutableArray<string>.Builder victims, string node)
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            throw new WireException($"Pods of node {node} must be a list");
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.StartObject)
            {
                throw new WireException($"a victim on node {node} must be an object with its UID");
            }

            // {"UID":"…"} or a full pod: in both the UID is what names it.
            string? uid = null;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var name = json.GetString()!;
                json.Read();
                if (name.Equals("UID", StringComparison.OrdinalIgnoreCase) && json.TokenType == JsonTokenType.String)
                {
                    uid = json.GetString();
                }
                else if (name == "metadata" && json.TokenType == JsonTokenType.StartObject)
                {
                    uid = ReadUid(ref json);
                }
                else
                {
                    json.Skip();
                }
            }

            victims.Add(uid ?? throw new WireException($"a victim on node {node} has no UID"));
        }
    }

    private static string? ReadUid(ref Utf8JsonReader json)
    {
        string? uid = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isUid = json.ValueTextEquals("uid"u8);
            json.Read();
            if (isUid && json.TokenType == JsonTokenType.String)
            {
                uid = json.GetString();
            }
            else
            {
                json.Skip();
            }
        }

        return uid;
    }

    private static void Open(ref Utf8JsonReader json, string otherwise)
    {
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
        {
            throw new WireException(otherwise);
        }
    }
}
