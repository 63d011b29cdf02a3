using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;

namespace GpuScheduler.Benchmarks.Policies;

/// <summary>
/// How the time of one decision grows with the cluster. Pods leave before each decision, so that clusters of all sizes stay as full as
/// they were and see as much change a decision.
/// </summary>
internal static class PolicyBenchmark
{
    /// <summary>Decisions before those that are measured: they work out the scores of every shape of pod.</summary>
    private const int WarmUp = 2000;

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static async Task<int> RunAsync(int[] sizes, string[] policies, int decisions, FileInfo? json, CancellationToken cancellation)
    {
        if (policies.FirstOrDefault(p => !PlacementPolicies.Names.Contains(p)) is { } unknown)
        {
            await Console.Error.WriteLineAsync($"there is no policy \"{unknown}\"; there are {string.Join(", ", PlacementPolicies.Names)}");
            return 2;
        }

        if (decisions < 1 || sizes.Any(s => s < 1))
        {
            await Console.Error.WriteLineAsync("--nodes and --decisions must be 1 or more");
            return 2;
        }

        var rows = new List<PolicyRow>();
        foreach (var policy in policies)
        {
            // Once for the compiler, which optimizes what has run for a while.
            Measure(policy, sizes.Min(), decisions, cancellation);
            PolicyRow? smallest = null;
            foreach (var size in sizes.Order())
            {
                await Console.Error.WriteLineAsync($"{policy}, {size} nodes");
                var row = Measure(policy, size, decisions, cancellation);
                smallest ??= row;
                rows.Add(row with
                {
                    MedianRatio = row.MedianMicroseconds / smallest.MedianMicroseconds,
                    P99Ratio = row.P99Microseconds / smallest.P99Microseconds,
                    MeanRatio = row.MeanMicroseconds / smallest.MeanMicroseconds,
                });
            }
        }

        Print(rows);
        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(rows, s_indented), cancellation);
        }

        return 0;
    }

    private static PolicyRow Measure(string policy, int size, int decisions, CancellationToken cancellation)
    {
        var cluster = new PolicyCluster(size);
        var engine = new SchedulingEngine(cluster.State, new EngineOptions { Profile = PlacementPolicies.Create(policy, new PolicyContext { TypicalPods = cluster.Typical }) });
        var times = new double[decisions];
        var placed = 0;
        for (var i = -WarmUp; i < decisions; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            cluster.Leave();
            var pod = cluster.Arrive();
            var start = Stopwatch.GetTimestamp();
            var isPlaced = engine.Schedule(pod).Node is not null;
            var time = Stopwatch.GetElapsedTime(start);
            if (isPlaced)
            {
                cluster.Started(pod);
            }

            if (i >= 0)
            {
                times[i] = time.TotalMicroseconds;
                placed += isPlaced ? 1 : 0;
            }
        }

        Array.Sort(times);
        return new PolicyRow(policy, size, decisions, placed, cluster.AllocatedPercent, times[decisions / 2], times[(int)(decisions * 0.99)], times.Average());
    }

    private static void Print(IEnumerable<PolicyRow> rows)
    {
        static void Line(params ReadOnlySpan<string> cells) => Console.WriteLine(string.Join("  ", [cells[0].PadRight(14), .. cells[1..].ToArray().Select(c => c.PadLeft(9))]));
        static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
        Line("policy", "nodes", "placed", "in use %", "median µs", "p99 µs", "mean µs", "x median", "x p99", "x mean");
        foreach (var row in rows)
        {
            Line(
                row.Policy,
                Text(row.Nodes, "0"),
                Text(row.Placed, "0"),
                Text(row.AllocatedPercent, "0.0"),
                Text(row.MedianMicroseconds, "0.0"),
                Text(row.P99Microseconds, "0"),
                Text(row.MeanMicroseconds, "0.0"),
                Text(row.MedianRatio, "0.00"),
                Text(row.P99Ratio, "0.00"),
                Text(row.MeanRatio, "0.00"));
        }
    }
}
