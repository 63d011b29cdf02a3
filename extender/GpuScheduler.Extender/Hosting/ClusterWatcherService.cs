using System.Diagnostics.Metrics;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Keeps the cluster state current from the API server, and shows how old it is.</summary>
internal sealed class ClusterWatcherService : BackgroundService
{
    private readonly ClusterWatcher _watcher;
    private readonly Readiness _readiness;
    private readonly TimeProvider _time;

    public ClusterWatcherService(ClusterWatcher watcher, Readiness readiness, ExtenderMetrics metrics, TimeProvider time)
    {
        _watcher = watcher;
        _readiness = readiness;
        _time = time;
        metrics.Observe("gpu_scheduler.cache.age", "s", "Time since the API server last sent something, by resource; bookmarks come about once a minute.", Ages);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var watching = _watcher.RunAsync(stoppingToken);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), _time);
        while (!_watcher.HasSynced && !watching.IsCompleted)
        {
            await timer.WaitForNextTickAsync(stoppingToken);
        }

        // It never becomes false again.
        _readiness.SetSynced(_watcher.HasSynced);
        await watching;
    }

    private IEnumerable<Measurement<double>> Ages()
    {
        foreach (var age in _watcher.Ages)
        {
            if (age.Age is { } known)
            {
                yield return new Measurement<double>(known.TotalSeconds, new KeyValuePair<string, object?>("resource", age.Resource));
            }
        }
    }
}
