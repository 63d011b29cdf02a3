using System.Buffers;
using System.Text.Json;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Decisions;

/// <summary>A decision as JSON: one form for the endpoints, the events and the audit log. docs/explain.md has it field by field.</summary>
internal static class DecisionJson
{
    /// <summary>Writes a decision as a value.</summary>
    public static void Write(Utf8JsonWriter json, DecisionRecord decision)
    {
        json.WriteStartObject();
        json.WriteNumber("seq", decision.Sequence);
        json.WriteString("time", decision.At);
        json.WriteString("verb", NameOf(decision.Kind));
        if (decision.Pod is { } pod)
        {
            json.WriteString("pod", pod.ToString());
            json.WriteString("uid", pod.Uid);
            json.WriteString("request", RequestWords.Of(pod));
        }

        if (decision.Gang is { } gang)
        {
            json.WriteString("gang", gang.ToString());
        }

        if (decision.Profile is { } profile)
        {
            json.WriteString("profile", profile);
        }

        json.WriteNumber("generation", decision.Generation);
        json.WriteBoolean("ok", decision.Succeeded);
        if (decision.Kind is DecisionKind.Filter or DecisionKind.Preempt)
        {
            json.WriteNumber("offered", decision.Offered);
            json.WriteNumber("passed", decision.Passed);
            WriteReasons(json, decision);
        }

        if (decision.Node is { } node)
        {
            json.WriteString("node", node);
        }

        if (decision.Devices is { } devices)
        {
            json.WritePropertyName("devices");
            json.WriteRawValue(devices.ToAnnotation());
        }

        if (decision.Text is { } text)
        {
            json.WriteString("text", text);
        }

        if (decision.Error is { } error)
        {
            json.WriteString("error", error);
        }

        json.WriteEndObject();
    }

    /// <summary>Writes the refusals of a decision as property "reasons".</summary>
    public static void WriteReasons(Utf8JsonWriter json, DecisionRecord? decision)
    {
        json.WriteStartArray("reasons");
        foreach (var refusal in decision?.Refusals ?? [])
        {
            json.WriteStartObject();
            json.WriteString("reason", refusal.Reason);
            json.WriteBoolean("preemptionHelps", refusal.Curable);
            json.WriteNumber("nodes", refusal.Nodes);
            json.WriteStartArray("examples");
            foreach (var name in refusal.Examples)
            {
                json.WriteStringValue(name);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>A decision on one line, without an end of line.</summary>
    public static ReadOnlyMemory<byte> Line(DecisionRecord decision)
    {
        var line = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(line))
        {
            Write(json, decision);
        }

        return line.WrittenMemory;
    }

    private static string NameOf(DecisionKind kind) => kind switch
    {
        DecisionKind.Filter => "filter",
        DecisionKind.Preempt => "preempt",
        DecisionKind.Bind => "bind",
        DecisionKind.Plan => "plan",
        _ => "release",
    };
}
