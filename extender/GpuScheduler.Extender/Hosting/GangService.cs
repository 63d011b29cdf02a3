using System.Diagnostics.Metrics;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Recordings;

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
    private readonly SettingsInUse _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly IPodReleaser? _releaser;
    private readonly IPodWaker? _waker;
    private readonly IPodEvictor? _evictor;
    private readonly Recorder? _recorder;

    public GangService(SchedulingEngine engine, Readiness readiness, ExtenderMetrics metrics, SettingsInUse settings, TimeProvider time, ILogger<GangService> log, IPodReleaser? releaser = null, IPodWaker? waker = null, IPodEvictor? evictor = null, Recorder? recorder = null)
    {
        _gangs = engine.Gangs ?? throw new ArgumentException("the engine places members of gangs one by one", nameof(engine));
        _readiness = readiness;
        _metrics = metrics;
        _settings = settings;
        _time = time;
        _log = log;
        _releaser = releaser;
        _waker = waker;
        _evictor = evictor;
        _recorder = recorder;
        metrics.Observe("gpu_scheduler.gangs", "", "Gangs by state.", () => _gangs.CountStates().Select(
            s => new Measurement<double>(s.Value, new KeyValuePair<string, object?>("state", s.Key.ToString().ToLowerInvariant()))));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!_readiness.IsActive)
            {
                continue;
            }

            try
            {
                var turn = TakeTurn();
                await EvictAsync(turn.ToEvict, stoppingToken);
                await ReleaseAsync(turn.ToRelease, stoppingToken);
                await WakeAsync(turn.ToWake, stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFault(_log, e);
            }
        }
    }

    private int MostAtOnce => Math.Max(1, (int)(_settings.Options.Gangs.WakesPerSecond * s_interval.TotalSeconds));

    private GangTurn TakeTurn()
    {
        var (evictions, releases, wakes) = (_evictor is null ? 0 : MostEvictions, _releaser is null ? 0 : MostAtOnce, _waker is null ? 0 : MostAtOnce);
        using (Recorder.Turn(_recorder))
        {
            var turn = _gangs.TakeTurn(evictions, releases, wakes);
            _recorder?.Swept(evictions, releases, wakes, turn);
            return turn;
        }
    }

    private Task EvictAsync(IReadOnlyList<GangEviction> evictions, CancellationToken cancellation) => _evictor is null ? Task.CompletedTask : EachAsync(
        evictions,
        (eviction, token) => _evictor.EvictAsync(eviction.Pod, token),
        _metrics.Evicted,
        eviction => LogEvicted(_log, eviction.Pod.ToString(), eviction.For.ToString()),
        (eviction, why) => LogNotEvicted(_log, eviction.Pod.ToString(), eviction.For.ToString(), why),
        cancellation);

    private Task ReleaseAsync(IReadOnlyList<GangRelease> releases, CancellationToken cancellation) => _releaser is null ? Task.CompletedTask : EachAsync(
        releases,
        (release, token) => _releaser.ReleaseAsync(release, token),
        _metrics.Released,
        release => LogReleased(_log, release.Pod.ToString(), release.Node ?? "any node"),
        (release, why) =>
        {
            _gangs.ReleaseFailed(release.Pod, why);
            LogNotReleased(_log, release.Pod.ToString(), why);
        },
        cancellation);

    // Of one that is not woken: kube-scheduler comes back to it by itself, only later.
    private Task WakeAsync(IReadOnlyList<PodInfo> pods, CancellationToken cancellation) => _waker is null ? Task.CompletedTask : EachAsync(
        pods,
        (pod, token) => _waker.WakeAsync(pod, token),
        _metrics.Woken,
        static _ => { },
        (pod, why) => LogNotWoken(_log, pod.ToString(), why),
        cancellation);

    /// <summary>Writes to the API server for each of some, several at a time. One that fails keeps none of the others.</summary>
    private static Task EachAsync<T>(
        IEnumerable<T> items, Func<T, CancellationToken, Task> write, Action<string> count, Action<T> done, Action<T, string> failed, CancellationToken cancellation) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (item, token) =>
        {
            try
            {
                await write(item, token);
                count(Verbs.Outcome.Ok);
                done(item);
            }
            catch (KubernetesApiException e)
            {
                count(Verbs.Outcome.Error);
                failed(item, e.Message);
            }
        });

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
