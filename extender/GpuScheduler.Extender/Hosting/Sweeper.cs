using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Wire;

namespace GpuScheduler.Extender.Hosting;

/// <summary>What has to be done from time to time: ends holds whose time is over, and gives back memory that lies unused.</summary>
internal sealed partial class Sweeper(ClusterState cluster, ExtenderMetrics metrics, TimeProvider time, ILogger<Sweeper> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        for (var second = 1; await timer.WaitForNextTickAsync(stoppingToken); second++)
        {
            if (second % 60 == 0)
            {
                SegmentPool.Trim();
            }

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
