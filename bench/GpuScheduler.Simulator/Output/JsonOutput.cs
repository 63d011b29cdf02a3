using System.Text.Encodings.Web;
using System.Text.Json;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Output;

/// <summary>Results as a JSON array with one object a run. A figure that a run did not reach is null.</summary>
internal static class JsonOutput
{
    /// <summary>Writes results.</summary>
    public static void Write(Stream stream, IReadOnlyList<RunResult> results, RunRecord record, bool curves)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartArray();
        foreach (var result in results)
        {
            json.WriteStartObject();
            json.WriteString("trace", result.Key.Trace.Name);
            json.WriteString("policy", result.Key.Policy);
            json.WriteNumber("seed", result.Key.Seed);
            foreach (var (name, value) in Figures.Of(result))
            {
                WriteNumber(json, name, value);
            }

            if (result.Limit is { } limit)
            {
                json.WriteBoolean("boundHolds", limit.HoldsFor(result.Fill!));
            }

            if (curves && result.Fill is { } fill)
            {
                WriteCurve(json, fill);
            }
            else if (curves && result.Timed is { } timed)
            {
                WriteAllocation(json, timed);
            }

            json.WriteNumber("wallSeconds", Math.Round(result.WallSeconds, 3));
            json.WriteNumber("peakMemoryMiB", Math.Round(result.PeakMemoryMiB, 1));
            json.WriteString("arrivalOrder", NameOf(result.Origin));
            json.WriteString("nodeOrder", record.NodeOrder);
            json.WriteString("typicalFrom", record.TypicalFrom);
            json.WriteString("version", record.Version);
            json.WriteString("command", record.CommandLine);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>The name of an origin in every output.</summary>
    public static string NameOf(ArrivalOrigin origin) => origin switch
    {
        ArrivalOrigin.Replay => "replay",
        ArrivalOrigin.Drawn => "drawn",
        _ => "trace",
    };

    private static void WriteCurve(Utf8JsonWriter json, FillOutcome fill)
    {
        json.WriteStartArray("curve");
        foreach (var point in fill.Curve)
        {
            json.WriteStartObject();
            json.WriteNumber("load", point.Load);
            WriteNumber(json, "allocation", point.Allocation);
            WriteNumber(json, "idleGpus", point.IdleGpus);
            WriteNumber(json, "fragRatio", point.FragmentRatio);
            WriteNumber(json, "fragPercent", point.FragmentPercent);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteAllocation(Utf8JsonWriter json, TimedOutcome timed)
    {
        json.WriteStartArray("allocation");
        foreach (var point in timed.Allocation)
        {
            json.WriteStartObject();
            WriteNumber(json, "seconds", point.Seconds);
            WriteNumber(json, "allocation", point.AllocationPercent);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
        {
            json.WriteNumber(name, Math.Round(number, 3));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
