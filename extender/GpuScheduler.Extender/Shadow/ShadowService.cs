using System.Diagnostics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Solver;

namespace GpuScheduler.Extender.Shadow;

/// <summary>
/// Compares on a thread of its own, for as long as this replica decides. A comparison that cannot go on ends, and another begins from a fresh
/// copy after a pause that grows: what is decided does not depend on it.
/// </summary>
internal sealed partial class ShadowService : BackgroundService
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(5);

    /// <summary>How long after something was freed those that wait are tried again, at the earliest.</summary>
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    /// <summary>Retries take at most one part in so many of the time.</summary>
    private const int RetryPart = 10;

    private readonly ClusterState _live;
    private readonly ShadowFeed _feed;
    private readonly ShadowMetrics _metrics;
    private readonly Readiness _readiness;
    private readonly SettingsInUse _inUse;
    private readonly ShadowSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private volatile ShadowStatus _status = new(ShadowState.Standby, 0, null, null);

    public ShadowService(ClusterState live, ShadowFeed feed, Readiness readiness, ExtenderOptions options, SettingsInUse inUse, TimeProvider time, ILogger<ShadowService> log)
    {
        (_live, _feed, _readiness, _settings, _inUse, _time, _log) = (live, feed, readiness, options.Shadow, inUse, time, log);
        _metrics = new ShadowMetrics(options.Shadow.Profile!, feed, () => Status.View);
    }

    /// <summary>Where it stands.</summary>
    public ShadowStatus Status => _status;

    public override void Dispose()
    {
        _metrics.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Factory.StartNew(() => Work(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Work(CancellationToken stopping)
    {
        using var solver = new GangSolver();
        var pause = s_firstPause;
        while (!stopping.IsCancellationRequested)
        {
            if (!_readiness.IsActive || !_readiness.IsWarmedUp)
            {
                Wait(s_poll, stopping);
                continue;
            }

            var start = Stopwatch.GetTimestamp();
            var end = ShadowEnd.Fault;
            try
            {
                end = Compare(solver, stopping);
            }
            catch (Exception e)
            {
                LogFault(_log, e);
            }

            _feed.Close();
            _metrics.Ended(end);
            var isFailure = end is ShadowEnd.Fault or ShadowEnd.Overflow;
            _status = new ShadowStatus(isFailure ? ShadowState.Paused : ShadowState.Standby, _status.Ends + 1, end, null);
            LogEnded(_log, _settings.Profile!, ShadowMetrics.Word(end));
            if (isFailure)
            {
                pause = Stopwatch.GetElapsedTime(start) > s_longestPause ? s_firstPause : pause;
                Wait(pause, stopping);
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, s_longestPause.Ticks));
            }
        }
    }

    private ShadowEnd Compare(GangSolver solver, CancellationToken stopping)
    {
        var start = Stopwatch.GetTimestamp();
        var options = _inUse.Options;
        var gangs = options.Gangs.Enabled ? new GangOptions { SolveLimit = options.Gangs.SolveLimit, Placer = solver } : null;
        var run = new ShadowRun(_live, options.Profiles[_settings.Profile!].Create(), _settings.Control ? ShadowServices.Serving(options) : null, gangs, _feed.Open, _time);
        LogBegan(_log, _settings.Profile!, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        long? looked = null;
        var retried = Stopwatch.GetTimestamp();
        var retryPause = s_retry;
        while (true)
        {
            var news = _feed.Take(s_poll);
            if (stopping.IsCancellationRequested)
            {
                return ShadowEnd.Stopping;
            }

            if (!_readiness.IsActive)
            {
                return ShadowEnd.Standby;
            }

            // Settings that took the place of these are of no concern unless one of the profiles is another.
            if (_inUse.Options is var present && !ReferenceEquals(present, options) && ProfilesOf(present) != ProfilesOf(options))
            {
                return ShadowEnd.Profile;
            }

            foreach (var one in news)
            {
                run.Take(one);
            }

            // Asked after what was taken: what is missing may be in the middle of it.
            if (!_feed.IsOpen)
            {
                return ShadowEnd.Overflow;
            }

            if (run.CanRetry && Stopwatch.GetElapsedTime(retried) >= retryPause)
            {
                var began = Stopwatch.GetTimestamp();
                run.Retry(() => _feed.IsFilling || stopping.IsCancellationRequested);
                retried = Stopwatch.GetTimestamp();
                var took = Stopwatch.GetElapsedTime(began, retried) * (RetryPart - 1);
                retryPause = took > s_retry ? took : s_retry;
            }

            if (looked is not { } last || Stopwatch.GetElapsedTime(last) >= _settings.Interval)
            {
                _status = _status with { State = ShadowState.Running, View = run.Look() };
                looked = Stopwatch.GetTimestamp();
            }
        }
    }

    private (ScoreWeights Serving, string Policy, ScoreWeights Weights) ProfilesOf(ExtenderOptions options) =>
        (options.Engine.Weights, options.Profiles[_settings.Profile!].Policy, options.Profiles[_settings.Profile!].Weights);

    private static void Wait(TimeSpan time, CancellationToken stopping) => stopping.WaitHandle.WaitOne(time);

    [LoggerMessage(1150, LogLevel.Information, "The shadow decides by profile {Profile}, without effect; it began in {Milliseconds:F0} ms", EventName = "ShadowBegan")]
    private static partial void LogBegan(ILogger log, string profile, double milliseconds);

    [LoggerMessage(1151, LogLevel.Information, "The comparison with profile {Profile} ended: {Reason}", EventName = "ShadowEnded")]
    private static partial void LogEnded(ILogger log, string profile, string reason);

    [LoggerMessage(1152, LogLevel.Error, "The shadow failed by a fault of ours; decisions are not affected", EventName = "ShadowFailed")]
    private static partial void LogFault(ILogger log, Exception exception);
}
