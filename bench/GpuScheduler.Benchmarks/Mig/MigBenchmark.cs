using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Solver;

namespace GpuScheduler.Benchmarks.Mig;

/// <summary>Measures MIG placement: what a stream of requests gets by each choice of the GPU, and the exact repack.</summary>
internal static class MigBenchmark
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static async Task<int> RunAsync(int seeds, double patience, string only, FileInfo? json, CancellationToken cancellation)
    {
        using var solver = new MigSolver();

        // The first solve loads the optimizer.
        solver.Repack(
            new MigProblem { Demands = [new MigDemand("a", 2, 1)], Slots = [[0]], Units = [new MigUnits(1, [new MigOption("x", [1], 1)])] },
            new SolveLimit(TimeProvider.System, TimeSpan.FromMinutes(1)));
        var rows = new List<MigRow>();
        foreach (var row in MigAcceptance.Rows(seeds, only).Concat(MigRepacks.Rows(solver, seeds, patience, only)).Concat(MigPlans.Rows(solver, seeds, patience, only)))
        {
            rows.Add(row);
            await Console.Error.WriteLineAsync($"{row.Case} {row.Gpus}");
            cancellation.ThrowIfCancellationRequested();
        }

        Console.WriteLine($"{"case",-26} {"GPUs",6} {"first fit",10} {"best fit",9} {"table",7} {"by mix",7} {"variables",10} {"median ms",10} {"max ms",8} {"proven",7} {"over table %",13} {"over first %",13}");
        rows.ForEach(Print);
        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(rows, s_indented), cancellation);
        }

        return 0;
    }

    private static void Print(MigRow r) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{r.Case,-26} {r.Gpus,6} {r.FirstFit,10:0.0} {r.BestFit,9:0.0} {r.ValueTable,7:0.0} {r.ValueTableObserved,7:0.0} {r.Variables,10} {r.MedianMs,10:N0} {r.MaxMs,8:N0} {r.ProvenShare,7:P0} {r.GainOverValueTable,13:0.00} {r.GainOverFirstFit,13:0.00}"));
}
