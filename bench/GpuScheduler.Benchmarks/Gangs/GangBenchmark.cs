using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GpuScheduler.Solver;

namespace GpuScheduler.Benchmarks.Gangs;

/// <summary>Measures gang placement against the baseline of <see cref="Core.Policies.BestFitGangs"/>, on clusters of fixed seeds.</summary>
internal static class GangBenchmark
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>GPU utilisations of the clusters.</summary>
    public static IReadOnlyList<double> Utilisations { get; } = [0.6, 0.75, 0.9];

    public static async Task<int> RunAsync(int seeds, double patience, string only, FileInfo? json, CancellationToken cancellation)
    {
        using var solver = new GangSolver();
        solver.WarmUp();
        var rows = new List<GangRow>();
        Console.WriteLine($"{"case",-24} {"nodes",6} {"gang",16} {"n",5} {"median µs",12} {"p99 µs",12} {"cpu µs",10} {"proven",7} {"racks",7} {"best fit",8} {"gap %",7} {"gain %",8} {"over starts %",14}");
        foreach (var row in SingleGangs.Rows(seeds, only).Concat(RoleGangs.Rows(solver, seeds, only)).Concat(GangBatches.Rows(solver, seeds, patience, only)).Concat(Evictions.Rows(solver, seeds, only)))
        {
            rows.Add(row);
            Print(row);
            cancellation.ThrowIfCancellationRequested();
        }

        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(rows, s_indented), cancellation);
        }

        return 0;
    }

    /// <summary>What a question is answered, how long that takes, and how much processor time of the whole process, in µs.</summary>
    public static (T Answer, double Time, double Cpu) Measure<T>(Func<T> question)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var start = Stopwatch.GetTimestamp();
        var answer = question();
        var time = Stopwatch.GetElapsedTime(start);
        return (answer, time.TotalMicroseconds, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds);
    }

    /// <summary>A quantile; the values are sorted.</summary>
    public static double Quantile(List<double> values, double q)
    {
        values.Sort();
        return values.Count == 0 ? 0 : values[(int)Math.Min(values.Count - 1, Math.Floor(q * values.Count))];
    }

    private static void Print(GangRow r) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{r.Case,-24} {r.Nodes,6} {r.Gang,16} {r.Instances,5} {r.MedianUs,12:N0} {r.P99Us,12:N0} {r.CpuMedianUs,10:N0} {r.ProvenShare,7:P0} {r.Racks,7:0.00} {r.RacksBestFit,8:0.00} {r.GapPercent,7:0.00} {r.GainOverBestFitPercent,8:0.0} {r.GainOverMultiStartPercent,14:0.0}"));
}
