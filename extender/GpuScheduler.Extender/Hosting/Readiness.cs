using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GpuScheduler.Extender.Hosting;

/// <summary>Ready when the caches have synced and the verbs are warm; until then /readyz and the gRPC health service say what is missing.</summary>
internal sealed class Readiness : IHealthCheck
{
    private volatile bool _warm;
    private volatile bool _synced;

    /// <summary>What the verbs say until the caches have synced.</summary>
    public const string NotSynced = "gpu-scheduler has just started and has not yet read the cluster; try again in a moment";

    public bool IsReady => _warm && _synced;

    /// <summary>
    /// False until nodes, pods and reports have all been listed. Nothing may be decided before that: with the nodes there and the pods
    /// still to come, every device looks free.
    /// </summary>
    public bool IsSynced => _synced;

    public void SetWarm() => _warm = true;

    public void SetSynced(bool synced) => _synced = synced;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(IsReady
            ? HealthCheckResult.Healthy("ready")
            : HealthCheckResult.Unhealthy($"not ready: {(_synced ? "" : "the caches have not synced; ")}{(_warm ? "" : "the verbs are warming up; ")}".TrimEnd(' ', ';')));
}
