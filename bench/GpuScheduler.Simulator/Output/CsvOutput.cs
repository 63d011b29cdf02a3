using System.Globalization;
using CsvHelper;
using GpuScheduler.Simulator.Runs;

namespace GpuScheduler.Simulator.Output;

/// <summary>Results as CSV, a row a run, with the columns of <see cref="JsonOutput"/>. A figure that a run did not reach is empty.</summary>
internal static class CsvOutput
{
    private static readonly string[] s_fill =
    [
        "trace", "policy", "seed", "allocationAt100", "allocationAt130", "idleGpusAt130", "failedPods", "arrivedPods", "idleGpusAt100", "fragRatioAt100", "fragRatioAt130",
        "wallSeconds", "peakMemoryMiB", "arrivalOrder", "nodeOrder", "typicalFrom", "version", "command",
    ];

    /// <summary>Columns of runs that were bounded, before the time of a run.</summary>
    private static readonly string[] s_limit = ["boundAt100", "boundAt130", "boundIdleGpusAt130", "gapAt130", "boundPremiseLoad", "firstSharedRefusalLoad", "boundHolds", "absoluteBoundAt100", "absoluteBoundAt130"];

    private static readonly string[] s_timed =
    [
        "trace", "policy", "seed", "load", "meanAllocation", "waitMeanSeconds", "waitMedianSeconds", "waitP95Seconds", "waitMaxSeconds", "waitingAtEnd", "failedPods", "arrivedPods",
        "wallSeconds", "peakMemoryMiB", "arrivalOrder", "nodeOrder", "typicalFrom", "version", "command",
    ];

    /// <summary>Writes results.</summary>
    public static void Write(Stream stream, IReadOnlyList<RunResult> results, RunRecord record)
    {
        using var csv = CsvWriter.Create(stream, leaveOpen: true);
        var (columns, bounded) = (results.Any(r => r.Timed is not null) ? s_timed : s_fill, results.Any(r => r.Limit is not null));
        csv.WriteHeader([.. columns.SelectMany(c => bounded && c == "wallSeconds" ? s_limit.Append(c) : [c])]);
        foreach (var result in results)
        {
            csv.WriteField(result.Key.Trace.Name);
            csv.WriteField(result.Key.Policy);
            csv.WriteField(Text(result.Key.Seed));
            foreach (var figure in bounded ? Figures(result).Concat(Limits(result)) : Figures(result))
            {
                csv.WriteField(figure is { } number && double.IsFinite(number) ? Text(Math.Round(number, 3)) : "");
            }

            csv.WriteField(Text(Math.Round(result.WallSeconds, 3)));
            csv.WriteField(Text(Math.Round(result.PeakMemoryMiB, 1)));
            csv.WriteRecord(JsonOutput.NameOf(result.Origin), record.NodeOrder, record.TypicalFrom, record.Version, record.CommandLine);
        }
    }

    private static double?[] Figures(RunResult result)
    {
        if (result.Timed is { } timed)
        {
            return
            [
                timed.OfferedPercent, timed.MeanAllocation, timed.MeanWaitMs / 1000, timed.Quantile(0.5) / 1000, timed.Quantile(0.95) / 1000, timed.Quantile(1) / 1000,
                timed.WaitingAtEnd, timed.NeverStarted, timed.Arrived,
            ];
        }

        var fill = result.Fill!;
        var (at100, at130) = (fill.At(100), fill.At(130));
        return [at100?.Allocation, at130?.Allocation, at130?.IdleGpus, fill.Failed, fill.Arrived, at100?.IdleGpus, at100?.FragmentRatio, at130?.FragmentRatio];
    }

    private static double?[] Limits(RunResult result)
    {
        var (limit, fill) = (result.Limit, result.Fill!);
        var (at100, at130) = (limit?.At(100), limit?.At(130));
        return
        [
            at100?.Allocation, at130?.Allocation, at130?.IdleGpus, at130?.Allocation - fill.At(130)?.Allocation, limit?.PremiseLoad, fill.FirstSharedRefusal?.LoadPercent,
            limit is null ? null : limit.HoldsFor(fill) ? 1 : 0, at100?.Absolute, at130?.Absolute,
        ];
    }

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
