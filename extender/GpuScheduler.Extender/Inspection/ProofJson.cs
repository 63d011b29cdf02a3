using System.Text.Json;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Extender.Inspection;

/// <summary>How good a plan is, in JSON.</summary>
internal static class ProofJson
{
    public static void Write(Utf8JsonWriter json, Proof proof)
    {
        json.WriteStartObject("proof");
        json.WriteString("status", proof.Status.ToString().ToLowerInvariant());
        json.WriteString("method", proof.Method);
        json.WriteNumber("objective", proof.Objective);
        json.WriteNumber("bound", proof.Bound);
        json.WriteNumber("gapPercent", proof.GapPercent);
        json.WriteString("why", proof.Why);
        json.WriteNumber("milliseconds", proof.Elapsed.TotalMilliseconds);
        json.WriteEndObject();
    }
}
