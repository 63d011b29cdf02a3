using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GpuScheduler.Testing.ControlPlane;

namespace GpuScheduler.Benchmarks.Memory;

/// <summary>
/// What the service's process takes in a large cluster, and whether that grows while pods come and go: an hour of 33 events a second, as fast as
/// the service takes them.
/// </summary>
internal static class MemoryBenchmark
{
    private const long HourOfEvents = 120_000;

    /// <summary>By how much the heap of the last third may be above that of the first before it counts as growth.</summary>
    private const double Tolerated = 1.10;

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static async Task<int> RunAsync(int nodes, int pods, long events, FileInfo? json, CancellationToken cancellation)
    {
        if (nodes < 1 || pods < nodes || events < 0)
        {
            await Console.Error.WriteLineAsync("--nodes must be 1 or more, --pods no fewer, and --events 0 or more");
            return 2;
        }

        await using var cluster = await PlayedCluster.StartAsync(nodes, pods, cancellation);
        var kubeconfig = await cluster.WriteKubeconfigAsync(cancellation);
        await using var service = await ServiceProcess.StartAsync(typeof(GpuScheduler.Extender.ExtenderOptions).Assembly.Location, ["--kubeconfig", kubeconfig], cancellation);
        using var http = new HttpClient { BaseAddress = service.Url };
        var bench = new BenchCluster(nodes);
        var rows = new List<MemoryRow>();
        async Task LookAsync(string when)
        {
            await Task.Delay(400, cancellation); // the exporter keeps an answer for 300 ms
            var row = new MemoryRow(when, nodes, pods, cluster.Events, ResidentMiB(service.Id), await HeapMiBAsync(http, cancellation));
            rows.Add(row);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{when,-14} {row.Events,8} events  {row.ResidentMiB,7:F0} MiB resident  {row.HeapMiB,7:F0} MiB heap"));
        }

        await LookAsync("ready");
        await FilterAsync(http, bench, 0, 200, cancellation);
        await LookAsync("200 filters");
        var clock = Stopwatch.StartNew();
        for (var (part, parts) = (0, events > 0 ? 12 : 0); part < parts; part++)
        {
            while (cluster.Events < events * (part + 1) / parts)
            {
                await cluster.ReplaceOneAsync(cancellation);
            }

            await FilterAsync(http, bench, 1000 * (part + 1), 50, cancellation);
            await LookAsync("soak");
        }

        File.Delete(kubeconfig);
        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(rows, s_indented), cancellation);
        }

        var soak = rows.Where(r => r.Case == "soak").Select(r => r.HeapMiB).ToList();
        if (soak.Count == 0)
        {
            return 0;
        }

        var (first, last) = (Median(soak[..4]), Median(soak[^4..]));
        var grows = last > first * Tolerated;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{events} events in {clock.Elapsed.TotalSeconds:F0} s; heap {first:F0} MiB in the first third and {last:F0} MiB in the last: {(grows ? "it grows" : "no growth")}"));
        return grows ? 1 : 0;
    }

    /// <summary>Events of an hour of a busy cluster.</summary>
    public static long DefaultEvents => HourOfEvents;

    private static async Task FilterAsync(HttpClient http, BenchCluster bench, int first, int count, CancellationToken cancellation)
    {
        for (var i = 0; i < count; i++)
        {
            using var body = new ByteArrayContent(bench.Request(first + i, fullNodes: false));
            using var answer = await http.PostAsync(new Uri("/filter", UriKind.Relative), body, cancellation);
            answer.EnsureSuccessStatusCode();
        }
    }

    private static double ResidentMiB(int process)
    {
        using var found = Process.GetProcessById(process);
        return found.WorkingSet64 / 1024.0 / 1024.0;
    }

    private static async Task<double> HeapMiBAsync(HttpClient http, CancellationToken cancellation)
    {
        var text = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancellation);
        return text.Split('\n').Where(l => l.StartsWith("dotnet_gc_last_collection_heap_size_bytes{", StringComparison.Ordinal))
            .Sum(l => double.Parse(l[(l.IndexOf('}', StringComparison.Ordinal) + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture)) / 1024 / 1024;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
