using System.Globalization;
using CsvHelper;
using GpuScheduler.Simulator.Runs;

namespace GpuScheduler.Simulator.Output;

/// <summary>Results as CSV, a row a run. A figure that a run did not reach is empty.</summary>
internal static class CsvOutput
{
    private static readonly string[] s_before = ["trace", "policy", "seed"];
    private static readonly string[] s_after = ["wallSeconds", "peakMemoryMiB", "arrivalOrder", "nodeOrder", "typicalFrom", "version", "command"];

    private static readonly string[] s_fill =
        ["allocationAt100", "allocationAt130", "idleGpusAt130", "failedPods", "arrivedPods", "idleGpusAt100", "fragRatioAt100", "fragRatioAt130"];

    private static readonly string[] s_limit =
        ["boundAt100", "boundAt130", "boundIdleGpusAt130", "gapAt130", "boundPremiseLoad", "firstSharedRefusalLoad", "absoluteBoundAt100", "absoluteBoundAt130"];

    private static readonly string[] s_timed =
        ["load", "meanAllocation", "waitMeanSeconds", "waitMedianSeconds", "waitP95Seconds", "waitMaxSeconds", "waitingAtEnd", "failedPods", "arrivedPods"];

    private static readonly string[] s_gangs =
        ["gangs", "gangWaitMeanSeconds", "gangWaitMedianSeconds", "gangWaitP95Seconds", "gangsNeverStarted", "racksPerGang", "nodesPerGang"];

    /// <summary>Writes results.</summary>
    public static void Write(Stream stream, IReadOnlyList<RunResult> results, RunRecord record)
    {
        using var csv = CsvWriter.Create(stream, leaveOpen: true);
        var columns = results.Any(r => r.Timed is not null) ? s_timed : s_fill;
        columns = results.Any(r => r.Timed?.Gangs is not null) ? [.. columns, .. s_gangs] : columns;
        var isBounded = results.Any(r => r.Limit is not null);
        columns = isBounded ? [.. columns, .. s_limit] : columns;
        csv.WriteHeader([.. s_before, .. columns, .. isBounded ? ["boundHolds"] : Array.Empty<string>(), .. s_after]);
        foreach (var result in results)
        {
            csv.WriteField(result.Key.Trace.Name);
            csv.WriteField(result.Key.Policy);
            csv.WriteField(Text(result.Key.Seed));
            var figures = Figures.Of(result);
            foreach (var column in columns)
            {
                csv.WriteField(figures.FirstOrDefault(f => f.Name == column).Value is { } number ? Text(number) : "");
            }

            if (isBounded)
            {
                csv.WriteField(result.Limit is { } limit ? limit.HoldsFor(result.Fill!) ? "true" : "false" : "");
            }

            csv.WriteField(Text(Math.Round(result.WallSeconds, 3)));
            csv.WriteField(Text(Math.Round(result.PeakMemoryMiB, 1)));
            csv.WriteRecord(JsonOutput.NameOf(result.Origin), record.NodeOrder, record.TypicalFrom, record.Version, record.CommandLine);
        }
    }

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
