using System.Diagnostics.Metrics;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Lets time pass for gangs, removes pods for them, removes the gates of members that may go, and wakes those that kube-scheduler has put aside.</summary>
internal sealed partial class GangService : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Most pods that are deleted in one interval.</summary>
    private const int MostEvictions = 64;

    private readonly GangScheduler _gangs;
    private readonly Readiness _readiness;
    private readonly ExtenderMetrics _metrics;
    private readonly ExtenderOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly IPodReleaser? _releaser;
    private readonly IPodWaker? _waker;
    private readonly IPodEvictor? _evictor;

    public GangService(SchedulingEngine engine, Readiness readiness, ExtenderMetrics metrics, ExtenderOptions options, TimeProvider time, ILogger<GangService> log, IPodReleaser? releaser = null, IPodWaker? waker = null, IPodEvictor? evictor = null)
    {
        _gangs = engine.Gangs ?? throw new ArgumentException("the engine places members of gangs one by one", nameof(engine));
        _readiness = readiness;
        _metrics = metrics;
        _options = options;
        _time = time;
        _log = log;
        _releaser = releaser;
        _waker = waker;
        _evictor = evictor;
        metrics.Observe("gpu_scheduler.gangs", "", "Gangs by state.", () => _gangs.CountStates().Select(
            s => new Measurement<double>(s.Value, new KeyValuePair<string, object?>("state", s.Key.ToString().ToLowerInvariant()))));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!_readiness.IsSynced)
            {
                continue;
            }

            try
            {
                _gangs.Sweep();
                await EvictAsync(stoppingToken);
                await ReleaseAsync(stoppingToken);
                await WakeAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFault(_log, e);
            }
        }
    }

    private async Task EvictAsync(CancellationToken cancellation)
    {
        if (_evictor is null)
        {
            return;
        }

        await Parallel.ForEachAsync(_gangs.TakeToEvict(MostEvictions), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (eviction, token) =>
        {
            try
            {
                await _evictor.EvictAsync(eviction.Pod, token);
                _metrics.Evicted(Verbs.Outcome.Ok);
                LogEvicted(_log, eviction.Pod.ToString(), eviction.For.ToString());
            }
            catch (KubernetesApiException e)
            {
                _metrics.Evicted(Verbs.Outcome.Error);
                LogNotEvicted(_log, eviction.Pod.ToString(), eviction.For.ToString(), e.Message);
            }
        });
    }

    private int MostAtOnce => Math.Max(1, (int)(_options.Gangs.WakesPerSecond * s_interval.TotalSeconds));

    private async Task ReleaseAsync(CancellationToken cancellation)
    {
        if (_releaser is null)
        {
            return;
        }

        await Parallel.ForEachAsync(_gangs.TakeToRelease(MostAtOnce), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (release, token) =>
        {
            try
            {
                await _releaser.ReleaseAsync(release, token);
                _metrics.Released(Verbs.Outcome.Ok);
                LogReleased(_log, release.Pod.ToString(), release.Node ?? "any node");
            }
            catch (KubernetesApiException e)
            {
                _metrics.Released(Verbs.Outcome.Error);
                _gangs.ReleaseFailed(release.Pod, e.Message);
                LogNotReleased(_log, release.Pod.ToString(), e.Message);
            }
        });
    }

    private async Task WakeAsync(CancellationToken cancellation)
    {
        if (_waker is null)
        {
            return;
        }

        var pods = _gangs.TakeToWake(MostAtOnce);
        await Parallel.ForEachAsync(pods, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (pod, token) =>
        {
            try
            {
                await _waker.WakeAsync(pod, token);
                _metrics.Woken(Verbs.Outcome.Ok);
            }
            catch (KubernetesApiException e)
            {
                // kube-scheduler comes back to it by itself, only later.
                _metrics.Woken(Verbs.Outcome.Error);
                LogNotWoken(_log, pod.ToString(), e.Message);
            }
        });
    }

    [LoggerMessage(1046, LogLevel.Information, "The gate of {Pod} is removed; it goes to {Node}", EventName = "GangGateRemoved")]
    private static partial void LogReleased(ILogger log, string pod, string node);

    [LoggerMessage(1047, LogLevel.Warning, "The gate of {Pod} could not be removed; it is tried again: {Why}", EventName = "GangGateFailed")]
    private static partial void LogNotReleased(ILogger log, string pod, string why);

    [LoggerMessage(1044, LogLevel.Error, "Looking after gangs failed; it goes on", EventName = "GangSweepFailed")]
    private static partial void LogFault(ILogger log, Exception exception);

    [LoggerMessage(1050, LogLevel.Information, "{Pod} is deleted so that gang {Gang} gets its place", EventName = "GangEvicted")]
    private static partial void LogEvicted(ILogger log, string pod, string gang);

    [LoggerMessage(1051, LogLevel.Warning, "{Pod} could not be deleted for gang {Gang}; it is tried again: {Why}", EventName = "GangEvictionFailed")]
    private static partial void LogNotEvicted(ILogger log, string pod, string gang, string why);

    [LoggerMessage(1045, LogLevel.Warning, "{Pod} could not be woken: {Why}", EventName = "GangWakeFailed")]
    private static partial void LogNotWoken(ILogger log, string pod, string why);
}
