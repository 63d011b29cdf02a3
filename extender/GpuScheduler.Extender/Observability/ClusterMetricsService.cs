using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.InteropServices;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Metrics;

namespace GpuScheduler.Extender.Observability;

/// <summary>Shows the state of the cluster as metrics, read when they are scraped, and looks at the waits of gangs once a second.</summary>
internal sealed partial class ClusterMetricsService : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private static readonly GangState[] s_waiting = [GangState.Waiting, GangState.Invalid, GangState.Unplaced, GangState.Planned, GangState.Binding];

    private readonly ClusterState _cluster;
    private readonly GangScheduler? _gangs;
    private readonly GangWaits _waits;
    private readonly Readiness _readiness;
    private readonly ExtenderMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    public ClusterMetricsService(SchedulingEngine engine, GangWaits waits, Readiness readiness, ExtenderMetrics metrics, TimeProvider time, ILogger<ClusterMetricsService> log)
    {
        (_cluster, _gangs, _waits, _readiness, _metrics, _time, _log) = (engine.Cluster, engine.Gangs, waits, readiness, metrics, time, log);
        metrics.Observe("gpu_scheduler.gpus.left", "", "Healthy GPUs that are not used up, by what can be made of what is left.", () => GpusLeft.Of(_cluster.Current).ByKind.Select(l => Of(l.Value.Gpus, "left", l.Key)));
        metrics.Observe("gpu_scheduler.gpu_milli.left", "", "What is left on these GPUs, in milli-GPU.", () => GpusLeft.Of(_cluster.Current).ByKind.Select(l => Of(l.Value.Milli, "left", l.Key)));
        metrics.Observe("gpu_scheduler.reservation.oldest_age", "s", "Age of the oldest hold that expires, by state; a state without one is left out.", () => _cluster.OldestHolds().Select(
            h => Of((_time.GetUtcNow() - h.Value).TotalSeconds, "state", h.Key.ToString())));
        metrics.Observe("gpu_scheduler.nodes.with_findings", "", "Nodes with something that somebody should look at, by what it is.", Findings);
        metrics.Observe("gpu_scheduler.pending_pods", "", "Pods that want GPUs and are on no node, by kind.", () => Pending(p => p.Pods));
        metrics.Observe("gpu_scheduler.waiting_gpus", "", "GPUs that these pods want; parts of GPUs count as parts.", () => Pending(p => p.Milli / 1000.0));
        metrics.Observe("gpu_scheduler.ready", "", "1 when the service answers the verbs, 0 while it reads the cluster and warms up.", () => [new Measurement<double>(_readiness.IsReady ? 1 : 0)]);
        metrics.Observe("gpu_scheduler.build_info", "", "Always 1; the labels say what runs.", () => [new Measurement<double>(1, new("version", Version), new("runtime", RuntimeInformation.FrameworkDescription))]);
        if (_gangs is not null)
        {
            metrics.Observe("gpu_scheduler.gang.oldest_wait", "s", "How long the gang that has been in a state longest has been in it; 0 when none is.", OldestWaits);
        }
    }

    /// <summary>The version of the service, as its assembly has it.</summary>
    public static string Version { get; } = typeof(ClusterMetricsService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, _time);
        while (_gangs is not null && await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (_readiness.IsSynced)
                {
                    foreach (var waited in _waits.Look(_gangs.List(), _time.GetUtcNow()))
                    {
                        _metrics.GangStarted(waited);
                    }
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFault(_log, e);
            }
        }
    }

    private static Measurement<double> Of(double value, string label, string of) => new(value, new KeyValuePair<string, object?>(label, of));

    private IEnumerable<Measurement<double>> Findings()
    {
        int conflict = 0, sources = 0, pods = 0;
        foreach (var node in _cluster.Current.Nodes)
        {
            if (node is not null)
            {
                conflict += node.HasConflict ? 1 : 0;
                sources += node.Facts.Warnings.IsEmpty ? 0 : 1;
                pods += !node.Allocations.IsEmpty && !_cluster.Findings(node.Facts.Name).IsEmpty ? 1 : 0;
            }
        }

        return [Of(conflict, "finding", "conflict"), Of(sources, "finding", "sources"), Of(pods, "finding", "pods")];
    }

    private IEnumerable<Measurement<double>> Pending(Func<PendingWork, double> value)
    {
        var pending = PendingWork.Of(_cluster);
        return new[] { PendingWork.Gang, PendingWork.Single }.Select(kind => Of(pending.Where(p => p.Kind == kind).Sum(value), "kind", kind));
    }

    private IEnumerable<Measurement<double>> OldestWaits()
    {
        var now = _time.GetUtcNow();
        return s_waiting.Select(state => Of(_waits.Current.Where(w => w.State == state).Select(w => (now - w.InState).TotalSeconds).DefaultIfEmpty().Max(), "state", state.ToString().ToLowerInvariant()));
    }

    [LoggerMessage(1070, LogLevel.Error, "Looking at the waits of gangs failed; it goes on", EventName = "GangWaitsFailed")]
    private static partial void LogFault(ILogger log, Exception exception);
}
