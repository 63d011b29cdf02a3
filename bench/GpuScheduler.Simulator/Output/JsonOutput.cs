using System.Text.Encodings.Web;
using System.Text.Json;
using GpuScheduler.Simulator.Bounds;
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
            if (result.Fill is { } fill)
            {
                Write(json, fill, curves);
                if (result.Limit is { } limit)
                {
                    Write(json, limit, fill);
                }
            }
            else if (result.Timed is { } timed)
            {
                Write(json, timed, curves);
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

    private static void Write(Utf8JsonWriter json, FillOutcome fill, bool curves)
    {
        var (at100, at130) = (fill.At(100), fill.At(130));
        WriteNumber(json, "allocationAt100", at100?.Allocation);
        WriteNumber(json, "allocationAt130", at130?.Allocation);
        WriteNumber(json, "idleGpusAt130", at130?.IdleGpus);
        json.WriteNumber("failedPods", fill.Failed);
        json.WriteNumber("arrivedPods", fill.Arrived);
        WriteNumber(json, "idleGpusAt100", at100?.IdleGpus);
        WriteNumber(json, "fragRatioAt100", at100?.FragmentRatio);
        WriteNumber(json, "fragRatioAt130", at130?.FragmentRatio);
        json.WriteNumber("usedMilliGpu", fill.UsedMilli);
        json.WriteNumber("cardsInUse", fill.CardsInUse);
        if (curves)
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
    }

    private static void Write(Utf8JsonWriter json, FillLimit limit, FillOutcome fill)
    {
        var (at100, at130) = (limit.At(100), limit.At(130));
        WriteNumber(json, "boundAt100", at100?.Allocation);
        WriteNumber(json, "boundAt130", at130?.Allocation);
        WriteNumber(json, "boundIdleGpusAt130", at130?.IdleGpus);
        WriteNumber(json, "gapAt130", at130?.Allocation - fill.At(130)?.Allocation);
        WriteNumber(json, "boundPremiseLoad", limit.PremiseLoad);
        WriteNumber(json, "firstSharedRefusalLoad", fill.FirstSharedRefusal?.LoadPercent);
        json.WriteBoolean("boundHolds", limit.HoldsFor(fill));
        WriteNumber(json, "absoluteBoundAt100", at100?.Absolute);
        WriteNumber(json, "absoluteBoundAt130", at130?.Absolute);
    }

    private static void Write(Utf8JsonWriter json, TimedOutcome timed, bool curves)
    {
        WriteNumber(json, "load", timed.OfferedPercent);
        WriteNumber(json, "meanAllocation", timed.MeanAllocation);
        WriteNumber(json, "waitMeanSeconds", timed.MeanWaitMs / 1000);
        WriteNumber(json, "waitMedianSeconds", timed.Quantile(0.5) / 1000);
        WriteNumber(json, "waitP95Seconds", timed.Quantile(0.95) / 1000);
        WriteNumber(json, "waitMaxSeconds", timed.Quantile(1) / 1000);
        json.WriteNumber("arrivedPods", timed.Arrived);
        json.WriteNumber("waitingAtEnd", timed.WaitingAtEnd);
        json.WriteNumber("failedPods", timed.NeverStarted);
        if (curves)
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
