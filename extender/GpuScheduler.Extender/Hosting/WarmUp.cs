using System.Diagnostics;
using System.Text;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Solver;

namespace GpuScheduler.Extender.Hosting;

/// <summary>
/// Runs the verbs on a made-up cluster before the service is ready: the first seconds of a fresh process cost several times what
/// the rest do, and kube-scheduler places one pod at a time.
/// </summary>
internal sealed partial class WarmUp(Readiness readiness, GangSolver solver, ExtenderOptions settings, TimeProvider time, ILogger<WarmUp> log) : BackgroundService
{
    private const int Nodes = 500;
    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var start = Stopwatch.GetTimestamp();
        var cluster = new ClusterState(time, new LedgerOptions());
        for (var i = 0; i < Nodes; i++)
        {
            cluster.UpsertNode(new NodeObject
            {
                Name = $"warm-{i}",
                Labels = new Dictionary<string, string> { ["nvidia.com/gpu.product"] = i % 2 == 0 ? "NVIDIA-H100-80GB-HBM3" : "Tesla-V100-SXM2-32GB" },
                Allocatable = new Dictionary<string, string> { ["nvidia.com/gpu"] = "8", ["cpu"] = "128", ["memory"] = "1Ti" },
            });
        }

        var options = new ExtenderOptions();
        using var metrics = new ExtenderMetrics(cluster, "GpuScheduler.WarmUp");
        var verbs = new VerbProcessor(new SchedulingEngine(cluster, new EngineOptions()), metrics, new RecentPods(), options);
        var runs = 0;
        while (Stopwatch.GetElapsedTime(start) < s_budget && !stoppingToken.IsCancellationRequested)
        {
            var body = Body(runs++);
            using var filtered = new SegmentedBuffer();
            await verbs.FilterAsync(new MemoryStream(body), body.Length, filtered, stoppingToken);
            using var scored = new SegmentedBuffer();
            await verbs.PrioritizeAsync(new MemoryStream(body), body.Length, scored, stoppingToken);
            if (runs % 50 == 0)
            {
                // The runtime compiles what was called often in the background; give it the processor.
                await Task.Delay(20, stoppingToken);
            }
        }

        if (settings.Gangs.Enabled)
        {
            solver.WarmUp();
        }

        readiness.SetWarm();
        LogWarm(log, runs, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static byte[] Body(int run)
    {
        var annotations = (run % 3) switch
        {
            0 => "",
            1 => "\"gpuscheduler.io/gpu-milli\":\"250\",\"gpuscheduler.io/gpu-memory\":\"8Gi\"",
            _ => "\"gpuscheduler.io/nvlink\":\"preferred\",\"gpuscheduler.io/gpu-model\":\"H100|V100\"",
        };
        var resources = run % 3 == 1 ? "\"cpu\":\"4\"" : $"\"cpu\":\"4\",\"nvidia.com/gpu\":\"{1 << (run % 4)}\"";
        var names = string.Join(',', Enumerable.Range(0, Nodes).Select(i => $"\"warm-{i}\""));
        var pod = $"{{\"metadata\":{{\"name\":\"warm\",\"namespace\":\"default\",\"uid\":\"warm-{run}\",\"annotations\":{{{annotations}}}}},"
            + $"\"spec\":{{\"containers\":[{{\"name\":\"main\",\"resources\":{{\"requests\":{{{resources}}}}}}}]}}}}";
        return Encoding.UTF8.GetBytes($"{{\"Pod\":{pod},\"Nodes\":null,\"NodeNames\":[{names}]}}");
    }

    [LoggerMessage(1031, LogLevel.Information, "Verbs are warm after {Runs} runs in {Seconds:F1} s", EventName = "Warm")]
    private static partial void LogWarm(ILogger log, int runs, double seconds);
}
