using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubernetes.Leases;

/// <summary>
/// Contends for a Lease, so that of several replicas one writes. The client library has an elector too; this is our own because that one
/// cannot answer "may I write now": it tells time by the system's clock alone, and calls back some time after the lease was lost.
/// </summary>
/// <remarks>
/// Fenced by time. The holder may write for <see cref="LeaseOptions.RenewDeadline"/> from when it *sent* the renewal that succeeded; the
/// others wait the longer <see cref="LeaseOptions.Duration"/> of the holder from when they *saw* that renewal, which is later. Neither
/// compares clocks of two machines. The holder's own time is taken by two clocks, and the one that says more counts: the monotonic one
/// may stand still while a machine sleeps, and the wall clock may be set back.
/// </remarks>
/// <param name="connection">The API server: a connection of its own that this does not fence, whose calls end within <see cref="LeaseOptions.RenewDeadline"/>.</param>
/// <param name="options">Which lease, and how fast.</param>
/// <param name="logger">Gets who leads.</param>
/// <param name="time">The clock; null for the system's.</param>
public sealed class LeaseElector(KubernetesConnection connection, LeaseOptions options, ILogger<LeaseElector> logger, TimeProvider? time = null) : IWriteFence, IDisposable
{
    private const string Group = "coordination.k8s.io";

    private static readonly RbacRule s_getRule = new(Group, "leases", "get");
    private static readonly RbacRule s_createRule = new(Group, "leases", "create");
    private static readonly RbacRule s_updateRule = new(Group, "leases", "update");

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly SemaphoreSlim _turn = new(1);
    private volatile Term? _term;
    private LeaseRecord? _seen;
    private long _seenAt;
    private string _failure = "";
    private bool _released;

    /// <summary>True while this may write.</summary>
    public bool IsLeader => _term is { } term && Remaining(term) > TimeSpan.Zero;

    /// <summary>Who holds the lease, as last seen; empty when nobody does.</summary>
    public string Holder => Volatile.Read(ref _seen)?.Holder ?? "";

    /// <summary>Counts the times that this became leader: what was begun in one term is not to be finished in another.</summary>
    public int Terms { get; private set; }

    private string Path => $"apis/{Group}/v1/namespaces/{Uri.EscapeDataString(options.Namespace)}/leases";

    private string OwnPath => $"{Path}/{Uri.EscapeDataString(options.Name)}";

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    /// <inheritdoc/>
    public bool TryEnter(out CancellationToken ends, [NotNullWhen(false)] out string? refusal)
    {
        if (_term is { } term && Remaining(term) > TimeSpan.Zero)
        {
            (ends, refusal) = (term.Ends.Token, null);
            return true;
        }

        ends = CancellationToken.None;
        refusal = Holder is { Length: > 0 } holder && holder != options.Identity
            ? $"this replica may not write: {holder} holds the lease {options.Namespace}/{options.Name}"
            : $"this replica may not write: it does not hold the lease {options.Namespace}/{options.Name}, or has not renewed it for {options.RenewDeadline.TotalSeconds:0.###} s";
        return false;
    }

    /// <summary>Contends until it is cancelled. Never fails; the lease stays as it is (see <see cref="ReleaseAsync"/>).</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await TryOnceAsync(cancellationToken);
            await Task.Delay(options.RetryPeriod, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Stops writing at once, and then gives the lease to whoever comes next. It is not taken again.</summary>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        _released = true;
        var had = _term is not null;
        End("it was released");
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // A renewal that was on its way may have succeeded meanwhile.
            had |= _term is not null;
            End("it was released");
            if (!had || _seen is not { } seen || seen.Holder != options.Identity)
            {
                return;
            }

            await PutAsync(seen with { Holder = "", Duration = TimeSpan.FromSeconds(1), Renewed = LeaseRecord.Text(_time.GetUtcNow()) }, cancellationToken);
            Log.LeaseReleased(logger, options.Namespace, options.Name);
        }
        catch (Exception e) when (e is KubernetesApiException or OperationCanceledException or JsonException)
        {
            Log.LeaseNotReleased(logger, options.Namespace, options.Name, options.Duration, e.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Takes or renews the lease where that is possible now.</summary>
    internal async Task TryOnceAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (cancellationToken.IsCancellationRequested || _released)
        {
            return;
        }

        try
        {
            await ContendAsync(cancellationToken);
            _failure = "";
        }
        catch (Exception e) when (e is KubernetesApiException or OperationCanceledException or JsonException)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            // What the lease is now is not known: the next attempt looks. When it was last seen to change stays.
            if (_failure != e.Message)
            {
                _failure = e.Message;
                Log.LeaseFailed(logger, options.Namespace, options.Name, e.Message);
            }
        }
        finally
        {
            _turn.Release();
        }

        if (_term is { } term && Remaining(term) <= TimeSpan.Zero)
        {
            End($"it was not renewed for {options.RenewDeadline.TotalSeconds:0.###} s");
        }
    }

    private async Task ContendAsync(CancellationToken cancellationToken)
    {
        var sent = Now();
        if (_term is not null && _seen is { } mine)
        {
            if (await TryPutAsync(mine with { Renewed = LeaseRecord.Text(sent.Wall), Duration = options.Duration }, cancellationToken))
            {
                Hold(sent);
                return;
            }
        }

        var lease = await GetAsync(cancellationToken);
        if (lease is null)
        {
            sent = Now();
            var text = LeaseRecord.Text(sent.Wall);
            if (await TryCreateAsync(new LeaseRecord("", options.Identity, options.Duration, text, text, 0), cancellationToken))
            {
                Hold(sent);
            }

            return;
        }

        See(lease);
        if (lease.Holder == options.Identity)
        {
            // Our own write, whose answer was lost. It says nothing of how old it is: it counts from a renewal that is answered.
            sent = Now();
            if (await TryPutAsync(lease with { Renewed = LeaseRecord.Text(sent.Wall), Duration = options.Duration }, cancellationToken))
            {
                Hold(sent);
            }

            return;
        }

        if (_term is not null)
        {
            End($"{(lease.Holder.Length > 0 ? lease.Holder : "somebody")} has taken it");
        }

        if (lease.Holder.Length > 0 && _time.GetElapsedTime(_seenAt) < Patience(lease))
        {
            return;
        }

        sent = Now();
        var now = LeaseRecord.Text(sent.Wall);
        if (await TryPutAsync(new LeaseRecord(lease.ResourceVersion, options.Identity, options.Duration, now, now, lease.Transitions + 1), cancellationToken))
        {
            Hold(sent);
        }
    }

    /// <summary>The holder's own word on how long it counts, also where it was started with another setting than this.</summary>
    private TimeSpan Patience(LeaseRecord lease) => lease.Duration > TimeSpan.Zero ? lease.Duration : options.Duration;

    private void See(LeaseRecord lease)
    {
        if (_seen is null || !_seen.SameAs(lease))
        {
            _seenAt = _time.GetTimestamp();
        }

        Volatile.Write(ref _seen, lease);
    }

    private void Hold((long Stamp, DateTimeOffset Wall) sent)
    {
        if (_released)
        {
            return;
        }

        var before = _term;

        // One that is over is not continued: what was given up with it stays so, and who leads again begins again.
        var goesOn = before is not null && Remaining(before) > TimeSpan.Zero && !before.Ends.IsCancellationRequested;
        if (before is not null && !goesOn)
        {
            End("it was not renewed in time");
        }

        var term = new Term(sent.Stamp, sent.Wall, goesOn ? before!.Ends : new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time));
        var left = Remaining(term);
        if (left <= TimeSpan.Zero)
        {
            return; // the answer took longer than it is good for
        }

        term.Ends.CancelAfter(left);
        _term = term;
        if (!goesOn)
        {
            Terms++;
            Log.LeaseTaken(logger, options.Identity, options.Namespace, options.Name);
        }
    }

    private void End(string why)
    {
        if (Interlocked.Exchange(ref _term, null) is { } term)
        {
            term.Ends.Cancel();
            Log.LeaseLost(logger, options.Namespace, options.Name, why);
        }
    }

    private TimeSpan Remaining(Term term)
    {
        var monotonic = _time.GetElapsedTime(term.Stamp);
        var wall = _time.GetUtcNow() - term.Wall;
        return options.RenewDeadline - (monotonic > wall ? monotonic : wall);
    }

    private (long Stamp, DateTimeOffset Wall) Now() => (_time.GetTimestamp(), _time.GetUtcNow());

    private async Task<LeaseRecord?> GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            return LeaseRecord.Read(await connection.CallAsync(HttpMethod.Get, OwnPath, null, s_getRule, cancellationToken));
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private Task<bool> TryCreateAsync(LeaseRecord lease, CancellationToken cancellationToken) =>
        UnlessConflictAsync(async () => See(LeaseRecord.Read(await connection.CallAsync(HttpMethod.Post, Path, lease.Write(options.Namespace, options.Name), s_createRule, cancellationToken))));

    private Task<bool> TryPutAsync(LeaseRecord lease, CancellationToken cancellationToken) =>
        UnlessConflictAsync(() => PutAsync(lease, cancellationToken));

    private async Task PutAsync(LeaseRecord lease, CancellationToken cancellationToken) =>
        See(LeaseRecord.Read(await connection.CallAsync(HttpMethod.Put, OwnPath, lease.Write(options.Namespace, options.Name), s_updateRule, cancellationToken)));

    /// <summary>False when another one was faster, or the lease was deleted.</summary>
    private static async Task<bool> UnlessConflictAsync(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (KubernetesApiException e) when (e.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>The time since this became leader.</summary>
    /// <param name="Stamp">When the last renewal was sent, by the monotonic clock.</param>
    /// <param name="Wall">The same by the wall clock.</param>
    /// <param name="Ends">Cancelled when the term ends.</param>
    private sealed record Term(long Stamp, DateTimeOffset Wall, CancellationTokenSource Ends);
}
