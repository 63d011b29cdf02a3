using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuScheduler.Simulator.Output;

namespace GpuScheduler.Simulator.Forecasting;

/// <summary>Results of back-tests for programs.</summary>
internal static class ForecastOutput
{
    /// <summary>A JSON array with an object a series.</summary>
    public static void WriteJson(Stream stream, IReadOnlyList<BackTestResult> results, RunRecord record)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartArray();
        foreach (var result in results)
        {
            json.WriteStartObject();
            json.WriteString("name", result.Name);
            json.WriteString("source", result.Source);
            json.WriteNumber("steps", result.Series.Gpus.Length);
            json.WriteNumber("stepSeconds", result.Series.Step.TotalSeconds);
            json.WriteNumber("forecasts", result.Origins);
            json.WriteNumber("changesOfMethods", result.Changes);
            json.WriteStartArray("errors");
            foreach (var row in result.Rows)
            {
                json.WriteStartObject();
                json.WriteString("method", row.Method);
                json.WriteNumber("leadSeconds", row.UpTo.TotalSeconds);
                json.WriteNumber("mae", Math.Round(row.Mae, 4));
                json.WriteNumber("mase", Math.Round(row.Mase, 4));
                json.WriteNumber("used", Math.Round(row.Used, 4));
                if (row.Coverage is { } coverage)
                {
                    json.WriteNumber("coverage", Math.Round(coverage, 4));
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("capacity");
            foreach (var way in result.Capacity)
            {
                json.WriteStartObject();
                json.WriteString("follows", way.Way);
                json.WriteNumber("demandedGpuHours", Math.Round(way.DemandedGpuHours, 2));
                json.WriteNumber("shortGpuHours", Math.Round(way.ShortGpuHours, 2));
                json.WriteNumber("idleGpuHours", Math.Round(way.IdleGpuHours, 2));
                json.WriteNumber("shortShare", Math.Round(way.ShortShare, 4));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("version", record.Version);
            json.WriteString("command", record.CommandLine);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>A row a method and span of leads.</summary>
    public static void WriteCsv(Stream stream, IReadOnlyList<BackTestResult> results)
    {
        using var text = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        text.WriteLine("name,method,leadSeconds,mae,mase,coverage,used");
        foreach (var result in results)
        {
            foreach (var row in result.Rows)
            {
                var name = result.Name.Replace("\"", "\"\"", StringComparison.Ordinal);
                text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\"{name}\",{row.Method},{row.UpTo.TotalSeconds:0},{row.Mae:0.####},{row.Mase:0.####},{row.Coverage:0.####},{row.Used:0.####}"));
            }
        }
    }
}
