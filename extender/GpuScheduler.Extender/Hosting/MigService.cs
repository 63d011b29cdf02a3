using System.Diagnostics.Metrics;
using System.Net;
using GpuScheduler.Core.Mig;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Has MIG layouts changed: once a second it asks <see cref="MigController"/> what to write, writes it, and says what came of it.</summary>
internal sealed partial class MigService : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly MigController _controller;
    private readonly INodeMigWriter _writer;
    private readonly Readiness _readiness;
    private readonly ExtenderMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly IPodWaker? _waker;
    private INodeAnnouncer? _announcer;

    public MigService(MigController controller, INodeMigWriter writer, Readiness readiness, ExtenderMetrics metrics, TimeProvider time, ILogger<MigService> log, IPodWaker? waker = null, INodeAnnouncer? announcer = null)
    {
        (_controller, _writer, _readiness, _metrics, _time, _log, _waker, _announcer) = (controller, writer, readiness, metrics, time, log, waker, announcer);
        metrics.Observe("gpu_scheduler.mig.nodes", "", "Nodes whose MIG layout is being changed, by phase.", () => controller.View.Changes.CountBy(c => c.Phase).Select(
            c => new Measurement<double>(c.Value, new KeyValuePair<string, object?>("phase", c.Key.ToString().ToLowerInvariant()))));
    }

    /// <summary>One round.</summary>
    internal async Task RunOnceAsync(CancellationToken cancellation)
    {
        foreach (var write in _controller.Tick())
        {
            await WriteAsync(write, cancellation);
        }

        foreach (var notice in _controller.TakeNotices())
        {
            _metrics.LayoutChange(notice.Kind.ToString().ToLowerInvariant());
            if (notice.IsWarning)
            {
                LogWarning(_log, notice.Node, notice.Note);
            }
            else
            {
                LogNotice(_log, notice.Node, notice.Note);
            }

            await SayAsync(notice, cancellation);
        }

        foreach (var pod in _controller.TakeToWake())
        {
            await WakeAsync(pod, cancellation);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (_readiness.IsActive)
                {
                    await RunOnceAsync(stoppingToken);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFault(_log, e);
            }
        }
    }

    private async Task WriteAsync(MigWrite write, CancellationToken cancellation)
    {
        try
        {
            _controller.Written(write, await _writer.WriteAsync(write, cancellation));
        }
        catch (KubernetesApiException e)
        {
            LogNotWritten(_log, write.Node, e.Message);
            _controller.Written(write, MigWriteOutcome.Failed, e.Message);
        }
    }

    private async Task SayAsync(MigNotice notice, CancellationToken cancellation)
    {
        try
        {
            await (_announcer?.SayAsync(notice, cancellation) ?? Task.CompletedTask);
        }
        catch (KubernetesApiException e)
        {
            LogNotSaid(_log, notice.Node, e.Message);
            if (e.Status == HttpStatusCode.Forbidden)
            {
                _announcer = null;
            }
        }
    }

    private async Task WakeAsync(Core.Requests.PodInfo pod, CancellationToken cancellation)
    {
        try
        {
            await (_waker?.WakeAsync(pod, cancellation) ?? Task.CompletedTask);
        }
        catch (KubernetesApiException e)
        {
            // kube-scheduler comes back to it by itself, only later.
            LogNotWoken(_log, pod.ToString(), e.Message);
        }
    }

    [LoggerMessage(1060, LogLevel.Information, "Node {Node}: {Note}", EventName = "MigLayout")]
    private static partial void LogNotice(ILogger log, string node, string note);

    [LoggerMessage(1061, LogLevel.Warning, "Node {Node}: {Note}", EventName = "MigLayoutFailed")]
    private static partial void LogWarning(ILogger log, string node, string note);

    [LoggerMessage(1062, LogLevel.Warning, "The labels of node {Node} could not be written; it is tried again: {Why}", EventName = "MigWriteFailed")]
    private static partial void LogNotWritten(ILogger log, string node, string why);

    [LoggerMessage(1063, LogLevel.Warning, "An event of node {Node} could not be written (switch: Mig:Events). {Why}", EventName = "MigEventFailed")]
    private static partial void LogNotSaid(ILogger log, string node, string why);

    [LoggerMessage(1064, LogLevel.Warning, "{Pod} could not be woken: {Why}", EventName = "MigWakeFailed")]
    private static partial void LogNotWoken(ILogger log, string pod, string why);

    [LoggerMessage(1065, LogLevel.Error, "Looking after MIG layouts failed; it goes on", EventName = "MigSweepFailed")]
    private static partial void LogFault(ILogger log, Exception exception);
}
