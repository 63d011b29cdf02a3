using GpuScheduler.Core.Cluster;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Fills the cluster from a snapshot file, once.</summary>
internal sealed partial class SnapshotService(ClusterSnapshotContents contents, ClusterState cluster, Readiness readiness, ExtenderOptions options, ILogger<SnapshotService> log) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        contents.ApplyTo(cluster);
        readiness.SetSynced(true);
        LogLoaded(log, contents.Nodes.Count, contents.Pods.Count, options.Cluster!);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1032, LogLevel.Information, "Serving {Nodes} nodes and {Pods} pods of {File}; nothing is written to any cluster", EventName = "SnapshotLoaded")]
    private static partial void LogLoaded(ILogger log, int nodes, int pods, string file);
}
