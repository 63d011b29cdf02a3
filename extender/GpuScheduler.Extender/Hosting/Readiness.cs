using System.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GpuScheduler.Extender.Hosting;

/// <summary>
/// Ready when the caches have synced, the verbs are warm and this replica decides; until then /readyz and the gRPC health service say what is
/// missing. /syncz is the same without the last: ready to take over.
/// </summary>
internal sealed class Readiness : IHealthCheck
{
    private volatile bool _warm;
    private volatile bool _synced;
    private volatile int _standing = (int)Standing.Leader;
    private int _calls;
    private long _lastCall = Stopwatch.GetTimestamp();

    /// <summary>What the verbs say until the caches have synced.</summary>
    public const string NotSynced = "gpu-scheduler has just started and has not yet read the cluster; try again in a moment";

    /// <summary>What a replica says that does not decide.</summary>
    public const string NotLeader = "this replica of gpu-scheduler is not the leader and decides nothing; call the Service, which leads to the leader";

    /// <summary>What a replica says that is about to stop.</summary>
    public const string Stopping = "this replica of gpu-scheduler is stopping and hands over to another; try again in a moment";

    public bool IsReady => IsWarmedUp && Standing != Standing.Follower;

    /// <summary>True when nothing but the lead is missing.</summary>
    public bool IsWarmedUp => _warm && _synced;

    /// <summary>
    /// False until nodes, pods and reports have all been listed. Nothing may be decided before that: with the nodes there and the pods
    /// still to come, every device looks free.
    /// </summary>
    public bool IsSynced => _synced;

    /// <summary>True when this process decides and writes.</summary>
    public bool IsActive => _synced && Standing != Standing.Follower;

    /// <summary>What this replica is: never more than the lease allows at this moment, also right after a pause of the whole process.</summary>
    public Standing Standing
    {
        get => (Standing)_standing is var standing && standing != Standing.Follower && HoldsLease?.Invoke() == false ? Standing.Follower : standing;
        set => _standing = (int)value;
    }

    /// <summary>Says whether this replica holds the lease; null without an election.</summary>
    public Func<bool>? HoldsLease { get; set; }

    /// <summary>True when no verb is being answered, and none was asked for so long.</summary>
    public bool IsIdle(TimeSpan since) => Volatile.Read(ref _calls) == 0 && Stopwatch.GetElapsedTime(Volatile.Read(ref _lastCall)) >= since;

    public void SetWarm() => _warm = true;

    public void SetSynced(bool synced) => _synced = synced;

    /// <summary>Why a verb is not answered now; null when it is. A bind finishes what filter has begun, and is answered longer.</summary>
    public string? Refusal(bool begins) => Standing switch
    {
        Standing.Follower => NotLeader,
        Standing.Draining when begins => Stopping,
        _ => _synced ? null : NotSynced,
    };

    /// <summary>A verb is being answered until this is disposed.</summary>
    public Call Enter()
    {
        Interlocked.Increment(ref _calls);
        return new Call(this);
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(IsReady
            ? HealthCheckResult.Healthy("ready")
            : HealthCheckResult.Unhealthy($"not ready: {Missing}{(Standing == Standing.Follower ? "another replica leads, or none does yet; " : "")}".TrimEnd(' ', ';')));

    /// <summary>What /syncz says: "ready" with what this is among the replicas, or what is missing.</summary>
    public string Describe() => IsWarmedUp ? $"ready, {Standing.ToString().ToLowerInvariant()}" : $"not ready: {Missing}".TrimEnd(' ', ';');

    private string Missing => $"{(_synced ? "" : "the caches have not synced; ")}{(_warm ? "" : "the verbs are warming up; ")}";

    public readonly struct Call(Readiness readiness) : IDisposable
    {
        public void Dispose()
        {
            Volatile.Write(ref readiness._lastCall, Stopwatch.GetTimestamp());
            Interlocked.Decrement(ref readiness._calls);
        }
    }
}
