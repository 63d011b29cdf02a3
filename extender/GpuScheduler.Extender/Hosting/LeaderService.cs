using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Leases;

namespace GpuScheduler.Extender.Hosting;

/// <summary>
/// Has this replica decide while it holds the lease. A new leader first lists all pods anew by a quorum read: every bind of the one before is
/// known then, which stopped binding before the lease could be taken (<see cref="LeaseElector"/>).
/// </summary>
internal sealed partial class LeaderService(LeaseElector elector, ClusterWatcher watcher, Readiness readiness, ClusterState cluster, ExtenderOptions options, TimeProvider time, ILogger<LeaderService> log, LeaderLabel? label = null) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(20);

    /// <summary>How soon a label that could not be set is tried again.</summary>
    private static readonly TimeSpan s_labelAgain = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _contending = new();
    private Task _elector = Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, time);

        // Who cannot take over at once had better leave the lease to one that can.
        while (!readiness.IsWarmedUp)
        {
            await timer.WaitForNextTickAsync(stoppingToken);
        }

        _elector = elector.RunAsync(_contending.Token);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (elector.TryEnter(out var ends, out _))
            {
                await LeadAsync(ends, stoppingToken);
            }
        }
    }

    /// <summary>One term: from taking the lease to its loss.</summary>
    private async Task LeadAsync(CancellationToken ends, CancellationToken stoppingToken)
    {
        // At once when the term ends, before another can begin: that one has a list of its own to wait for.
        using var over = ends.Register(() => readiness.Standing = Standing.Follower);
        using var term = CancellationTokenSource.CreateLinkedTokenSource(ends, stoppingToken);
        try
        {
            var start = time.GetTimestamp();
            await watcher.ListPodsAnewAsync(term.Token);
            term.Token.ThrowIfCancellationRequested();
            if (!_contending.IsCancellationRequested)
            {
                readiness.Standing = Standing.Leader;
            }

            // Or it ended just then, and the line above came after.
            term.Token.ThrowIfCancellationRequested();

            LogLeads(log, time.GetElapsedTime(start).TotalMilliseconds);
            while (label is not null && !await label.TryMoveHereAsync(term.Token))
            {
                await Task.Delay(s_labelAgain, time, term.Token);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, time, term.Token);
        }
        catch (OperationCanceledException) when (term.IsCancellationRequested)
        {
            // The term is over.
        }
        finally
        {
            readiness.Standing = Standing.Follower;
        }

        stoppingToken.ThrowIfCancellationRequested();
        LogFollows(log);
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        readiness.Standing = Standing.Follower;
        readiness.HoldsLease = () => elector.IsLeader;
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before the web server stops: what was let through is still bound, then another replica may begin at once.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (readiness.Standing == Standing.Leader)
        {
            readiness.Standing = Standing.Draining;
            LogDrains(log);
            var start = time.GetTimestamp();
            while (!cancellationToken.IsCancellationRequested && readiness.Standing == Standing.Draining
                && time.GetElapsedTime(start) < options.LeaderElection.DrainLimit
                && !(readiness.IsIdle(options.LeaderElection.DrainIdle) && !AwaitsBinds))
            {
                await Task.Delay(s_interval, time, CancellationToken.None);
            }
        }

        readiness.Standing = Standing.Follower;
        await _contending.CancelAsync();
        await elector.ReleaseAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _elector;
    }

    /// <summary>True while devices are held for pods of which kube-scheduler has still to say where it binds them.</summary>
    private bool AwaitsBinds => cluster.CountAllocations().GetValueOrDefault(AllocationState.Tentative) > 0;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Dispose()
    {
        _contending.Dispose();
        base.Dispose();
    }

    [LoggerMessage(1110, LogLevel.Information, "This replica leads; the pods were read anew in {Milliseconds:F0} ms", EventName = "Leads")]
    private static partial void LogLeads(ILogger log, double milliseconds);

    [LoggerMessage(1111, LogLevel.Warning, "This replica leads no more and answers no verbs until it does again", EventName = "Follows")]
    private static partial void LogFollows(ILogger log);

    [LoggerMessage(1112, LogLevel.Information, "Told to stop: what was let through is still bound, then the lease is released", EventName = "Drains")]
    private static partial void LogDrains(ILogger log);
}
