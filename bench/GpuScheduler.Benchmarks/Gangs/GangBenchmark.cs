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
        foreach (var row in SingleGangs.Rows(seeds, only).Concat(RoleGangs.Rows(solver, seeds, only)).Concat(GangBatches.Rows(solver, seeds, patience, only)).Concat(Evictions.Rows(solver, seeds, only)))
        {
            rows.Add(row);
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{row.Case} {row.Nodes} {row.Gang}: median {row.MedianUs:N0} µs"));
            cancellation.ThrowIfCancellationRequested();
        }

        Console.WriteLine($"{"case",-22} {"nodes",6} {"gang",14} {"n",5} {"median µs",11} {"p99 µs",11} {"cpu µs",11} {"cpu p99 µs",11} {"proven",7} {"racks",7} {"best fit",8} {"gap %",6} {"gain %",7} {"over starts %",13}");
        rows.ForEach(Print);
        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(rows, s_indented), cancellation);
        }

        return 0;
    }

    private static void Print(GangRow r) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{r.Case,-22} {r.Nodes,6} {r.Gang,14} {r.Times.Count,5} {r.MedianUs,11:N0} {r.P99Us,11:N0} {r.Times.CpuMedianUs,11:N0} {r.Times.CpuP99Us,11:N0} {r.ProvenShare,7:P0} {r.Racks,7:0.00} {r.RacksBestFit,8:0.00} {r.GapPercent,6:0.00} {r.GainOverBestFitPercent,7:0.0} {r.GainOverMultiStartPercent,13:0.00}  {r.Remark}"));
}
