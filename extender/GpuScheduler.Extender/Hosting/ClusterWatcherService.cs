using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Keeps the cluster state current from the API server.</summary>
internal sealed class ClusterWatcherService(ClusterWatcher watcher, Readiness readiness, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var watching = watcher.RunAsync(stoppingToken);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), time);
        while (!watching.IsCompleted && await timer.WaitForNextTickAsync(stoppingToken))
        {
            readiness.SetSynced(watcher.HasSynced);
        }

        await watching;
    }
}
