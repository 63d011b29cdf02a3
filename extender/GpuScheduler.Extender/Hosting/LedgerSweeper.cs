using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Metrics;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Ends holds whose time is over.</summary>
internal sealed partial class LedgerSweeper(ClusterState cluster, ExtenderMetrics metrics, TimeProvider time, ILogger<LedgerSweeper> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var over in cluster.Expire())
            {
                metrics.Expired(over.State);
                if (over.State != AllocationState.Tentative)
                {
                    LogExpired(log, over.State, over.Pod.ToString(), over.Node);
                }
            }
        }
    }

    [LoggerMessage(1030, LogLevel.Warning, "{State} devices of {Pod} on {Node} were never confirmed by the API and are free again", EventName = "HoldExpired")]
    private static partial void LogExpired(ILogger log, AllocationState state, string pod, string node);
}
