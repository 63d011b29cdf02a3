using System.Globalization;
using System.Text.Json;
using GpuScheduler.Testing;

namespace GpuScheduler.Benchmarks;

/// <summary>
/// Allocated bytes per operation against the committed budget. Bytes are steady where times are not; a change that allocates more
/// must say so by changing the budget.
/// </summary>
internal static class AllocationBudget
{
    /// <summary>What a measurement may exceed its budget by: size-dependent growth of pooled lists and the like.</summary>
    private const double Tolerance = 1.25;

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static async Task<int> RunAsync(bool update, CancellationToken cancellation)
    {
        var measured = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var size in new[] { 1000, 5000 })
        {
            foreach (var row in await ExtenderBenchmark.InProcessAsync(new BenchCluster(size), TimeSpan.FromSeconds(1.5), "", cancellation))
            {
                measured[string.Create(CultureInfo.InvariantCulture, $"{row.Case}/{row.Nodes}")] = (long)row.AllocatedBytes;
            }
        }

        var file = Path.Combine(Checkout.Root, "bench", "GpuScheduler.Benchmarks", "allocation-budget.json");
        if (update)
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(measured, s_indented) + "\n", cancellation);
            Console.WriteLine($"written to {file}");
            return 0;
        }

        var budget = JsonSerializer.Deserialize<Dictionary<string, long>>(await File.ReadAllTextAsync(file, cancellation))!;
        var over = 0;
        foreach (var (name, bytes) in measured)
        {
            var allowed = budget.GetValueOrDefault(name);
            var fits = bytes <= allowed * Tolerance;
            over += fits ? 0 : 1;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(fits ? "ok  " : "OVER")} {name,-40} {bytes,12} bytes, budget {allowed}"));
        }

        Console.WriteLine(over == 0 ? "allocation budget: kept" : $"allocation budget: {over} exceeded; make them allocate less, or change {Path.GetFileName(file)} (budget --update) and say why in the commit");
        return over == 0 ? 0 : 1;
    }
}
