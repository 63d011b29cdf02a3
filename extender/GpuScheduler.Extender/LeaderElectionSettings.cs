using GpuScheduler.Kubernetes.Leases;

namespace GpuScheduler.Extender;

/// <summary>Several replicas of which one decides; see docs/high-availability.md.</summary>
public sealed class LeaderElectionSettings
{
    /// <summary>True to decide only while this replica holds the Lease. Not with a snapshot file.</summary>
    public bool Enabled { get; set; }

    /// <summary>Namespace of the Lease; when empty that of the pod's service account.</summary>
    public string? Namespace { get; set; }

    /// <summary>Name of the Lease.</summary>
    public string LeaseName { get; set; } = "gpu-scheduler-extender";

    /// <summary>Name of the pod of this replica, in the same namespace: while it leads, it has the label <see cref="LeaderLabel.Name"/>. Empty for no label.</summary>
    public string? Pod { get; set; }

    /// <summary>How long the others wait for a leader that is silent (<see cref="LeaseOptions.Duration"/>).</summary>
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How old the last renewal may be for the leader to write (<see cref="LeaseOptions.RenewDeadline"/>).</summary>
    public TimeSpan RenewDeadline { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Pause between two attempts to take or renew the lease (<see cref="LeaseOptions.RetryPeriod"/>).</summary>
    public TimeSpan RetryPeriod { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// How long a leader that is told to stop goes on to bind what it has let through, before it gives the lease away. It stops sooner when
    /// it holds devices for no pod whose bind is still to come, and nothing has been asked for <see cref="DrainIdle"/>.
    /// </summary>
    public TimeSpan DrainLimit { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>See <see cref="DrainLimit"/>.</summary>
    public TimeSpan DrainIdle { get; set; } = TimeSpan.FromMilliseconds(500);

    private const string NamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

    internal string ResolveNamespace() => Namespace is { Length: > 0 } named ? named : File.Exists(NamespaceFile) ? File.ReadAllText(NamespaceFile).Trim() : "";

    internal IEnumerable<string> Check(bool hasSnapshot)
    {
        if (!Enabled)
        {
            yield break;
        }

        if (hasSnapshot)
        {
            yield return "LeaderElection:Enabled is true and Cluster (a snapshot file) is set: there is no lease in a file; remove one";
        }
        else if (ResolveNamespace().Length == 0)
        {
            yield return $"LeaderElection:Namespace is not set, and {NamespaceFile} does not say it: name the namespace of the Lease";
        }

        if (LeaseName.Length == 0)
        {
            yield return "LeaderElection:LeaseName is empty: name the Lease, the same in all replicas";
        }

        if (LeaseDuration < TimeSpan.FromSeconds(1) || LeaseDuration > TimeSpan.FromMinutes(1) || LeaseDuration.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            yield return $"LeaderElection:LeaseDuration is {LeaseDuration}: 00:00:01 to 00:01:00 in whole seconds is allowed";
        }

        if (RetryPeriod < TimeSpan.FromMilliseconds(100) || RetryPeriod * 2 > RenewDeadline)
        {
            yield return $"LeaderElection:RetryPeriod is {RetryPeriod}: 00:00:00.1000000 to half of LeaderElection:RenewDeadline ({RenewDeadline / 2}) is allowed, so that one attempt may fail";
        }

        // What is between them is the time that a write on its way has to end.
        if (RenewDeadline <= TimeSpan.Zero || RenewDeadline + TimeSpan.FromMilliseconds(500) > LeaseDuration)
        {
            yield return $"LeaderElection:RenewDeadline is {RenewDeadline}: it must end at least 00:00:00.5000000 before LeaderElection:LeaseDuration ({LeaseDuration})";
        }

        if (DrainLimit < TimeSpan.Zero || DrainLimit > TimeSpan.FromSeconds(20))
        {
            yield return $"LeaderElection:DrainLimit is {DrainLimit}: 00:00:00 to 00:00:20 is allowed";
        }

        if (DrainIdle < TimeSpan.Zero || DrainIdle > DrainLimit)
        {
            yield return $"LeaderElection:DrainIdle is {DrainIdle}: 00:00:00 to LeaderElection:DrainLimit ({DrainLimit}) is allowed";
        }
    }
}
