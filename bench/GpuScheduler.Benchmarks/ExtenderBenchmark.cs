using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Kubernetes;
using GpuScheduler.Testing.ControlPlane;

namespace GpuScheduler.Benchmarks;

/// <summary>
/// Measures filter and prioritize: in process (bytes to bytes, no web server) and over HTTP against the service in a process of its
/// own, on one connection, as kube-scheduler has it.
/// </summary>
internal static class ExtenderBenchmark
{
    private const int DistinctPods = 64;

    /// <summary>Marks the cases that leave no decision record: what the record costs is the difference.</summary>
    private const string Unrecorded = ", no records";

    private static readonly string[] s_cases = ["filter/names/", "prioritize/names/", "filter/nodes/", "prioritize/nodes/"];
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static async Task<int> RunAsync(int[] sizes, TimeSpan time, bool baseline, string only, FileInfo? json, CancellationToken cancellation)
    {
        var rows = new List<BenchRow>();
        Print("case", "nodes", "median ms", "p99 ms", "allocated B", "CPU ms", "requests");
        foreach (var size in sizes)
        {
            var cluster = new BenchCluster(size);
            rows.AddRange(await InProcessAsync(cluster, time, only, cancellation));
            rows.AddRange(await InProcessAsync(cluster, time, only, cancellation, recorded: false));
            rows.AddRange(await OverHttpAsync(cluster, time, only, "http", null, cancellation));
            if (baseline)
            {
                rows.AddRange(await OverHttpAsync(cluster, time, only, "http-full-object", ["serve-baseline"], cancellation));
            }

            Summarize(rows, size);
        }

        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(rows, s_indented), cancellation);
        }

        return 0;
    }

    /// <summary>The cases in process; also what the allocation budget is checked with.</summary>
    public static async Task<List<BenchRow>> InProcessAsync(BenchCluster cluster, TimeSpan time, string only, CancellationToken cancellation, bool recorded = true)
    {
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, cluster.Snapshot(), cancellation);
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());
        SnapshotFile.Load(file).ApplyTo(state);
        File.Delete(file);
        using var metrics = new ExtenderMetrics(state, "GpuScheduler.Benchmark");
        var verbs = new VerbProcessor(new SchedulingEngine(state, new EngineOptions()), metrics, new RecentPods(), new ExtenderOptions { Engine = { WholeNodes = WholeNodes.Schedule } }, recorded ? new DecisionLog(state, new ExtenderOptions(), TimeProvider.System) : null);
        var rows = new List<BenchRow>();
        foreach (var full in new[] { false, true })
        {
            var bodies = Bodies(cluster, full);
            foreach (var verb in new[] { "filter", "prioritize" })
            {
                var name = $"{verb}/{(full ? "nodes" : "names")}/in-process{(recorded ? "" : Unrecorded)}";
                if (!name.Contains(only, StringComparison.Ordinal))
                {
                    continue;
                }

                rows.Add(await MeasureAsync(name, cluster.Names.Length, time, async i =>
                {
                    var body = bodies[i % bodies.Length];
                    using var output = new SegmentedBuffer();
                    if (verb == "filter")
                    {
                        await verbs.FilterAsync(new MemoryStream(body), body.Length, output, cancellation);
                    }
                    else
                    {
                        await verbs.PrioritizeAsync(new MemoryStream(body), body.Length, output, cancellation);
                    }
                }, () => Environment.CpuUsage.TotalTime, () => Task.FromResult((double)GC.GetTotalAllocatedBytes(precise: true))));
            }
        }

        return rows;
    }

    private static async Task<List<BenchRow>> OverHttpAsync(BenchCluster cluster, TimeSpan time, string only, string way, string[]? baseline, CancellationToken cancellation)
    {
        var file = Path.Combine(Path.GetTempPath(), $"gpu-scheduler-bench-{Environment.ProcessId}.json");
        await File.WriteAllBytesAsync(file, cluster.Snapshot(), cancellation);
        var settings = Path.ChangeExtension(file, ".settings.json");
        await File.WriteAllTextAsync(settings, """{"Engine":{"WholeNodes":"schedule"}}""", cancellation);
        var rows = new List<BenchRow>();
        try
        {
            if (!s_cases.Any(c => (c + way).Contains(only, StringComparison.Ordinal)))
            {
                return rows;
            }

            await using var service = await ServiceProcess.StartAsync((baseline is null ? typeof(Extender.ExtenderOptions) : typeof(FullObjectExtender)).Assembly.Location, baseline ?? ["--cluster", file, "--config", settings], cancellation);
            foreach (var full in new[] { false, true })
            {
                var bodies = Bodies(cluster, full);
                foreach (var verb in new[] { "filter", "prioritize" })
                {
                    var name = $"{verb}/{(full ? "nodes" : "names")}/{way}";
                    if (!name.Contains(only, StringComparison.Ordinal))
                    {
                        continue;
                    }

                    using var connection = await RawHttpConnection.OpenAsync(service.Url, cancellation);
                    rows.Add(await MeasureAsync(name, cluster.Names.Length, time,
                        i => connection.PostAsync("/" + verb, bodies[i % bodies.Length], cancellation),
                        () => service.ProcessorTime, () => service.AllocatedBytesAsync(cancellation)));
                }
            }
        }
        finally
        {
            File.Delete(file);
            File.Delete(settings);
        }

        return rows;
    }

    private static byte[][] Bodies(BenchCluster cluster, bool full) =>
        [.. Enumerable.Range(0, full ? 2 : DistinctPods).Select(i => cluster.Request(i, full))];

    private static async Task<BenchRow> MeasureAsync(string name, int nodes, TimeSpan time, Func<int, Task> request, Func<TimeSpan> processorTime, Func<Task<double>> allocated)
    {
        var i = 0;
        for (var warm = Stopwatch.StartNew(); warm.Elapsed < time / 2 || i < 3; i++)
        {
            await request(i);
        }

        var samples = new List<double>(1 << 16);
        var bytes = await allocated();
        var cpu = processorTime();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < time || samples.Count < 5; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await request(i);
            samples.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        cpu = processorTime() - cpu;
        bytes = await allocated() - bytes;
        samples.Sort();
        var row = new BenchRow(name, nodes, samples[samples.Count / 2], samples[(int)(samples.Count * 0.99)], bytes / samples.Count, cpu.TotalMilliseconds / samples.Count, samples.Count);
        Print(row.Case, row.Nodes.ToString(CultureInfo.InvariantCulture), Format(row.MedianMs), Format(row.P99Ms), row.AllocatedBytes.ToString("F0", CultureInfo.InvariantCulture), Format(row.CpuMsPerRequest), row.Requests.ToString(CultureInfo.InvariantCulture));
        return row;
    }

    private static void Summarize(List<BenchRow> rows, int nodes)
    {
        double? Of(string name, Func<BenchRow, double> value) => rows.Find(r => r.Case == name && r.Nodes == nodes) is { } row ? value(row) : null;
        if (Of("filter/names/http", r => r.MedianMs) + Of("prioritize/names/http", r => r.MedianMs) is { } sum)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  filter + prioritize by names over HTTP, {nodes} nodes: {sum:F3} ms (sum of the medians)"));
        }

        foreach (var body in new[] { "names", "nodes" })
        {
            if (Of($"filter/{body}/in-process", r => r.MedianMs) / Of($"filter/{body}/in-process{Unrecorded}", r => r.MedianMs) is { } records)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  filter with {body} and its record, {nodes} nodes: {records:F3} of the time without"));
            }

            foreach (var verb in new[] { "filter", "prioritize" })
            {
                if (Of($"{verb}/{body}/http", r => r.CpuMsPerRequest) / Of($"{verb}/{body}/http-full-object", r => r.CpuMsPerRequest) is { } ratio)
                {
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  CPU of {verb} with {body}, {nodes} nodes: {ratio:F3} of the full-object extender's"));
                }
            }
        }
    }

    private static string Format(double value) => value.ToString("F3", CultureInfo.InvariantCulture);

    private static void Print(string name, string nodes, string median, string p99, string bytes, string cpu, string requests) =>
        Console.WriteLine($"{name,-38} {nodes,6} {median,10} {p99,10} {bytes,12} {cpu,9} {requests,9}");
}
