namespace GpuScheduler.Kubernetes.Leases;

/// <summary>Which Lease replicas contend for, and how fast.</summary>
public sealed record LeaseOptions
{
    /// <summary>Namespace of the Lease.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name of the Lease.</summary>
    public required string Name { get; init; }

    /// <summary>Who this is: different in every process that contends, also after a restart.</summary>
    public required string Identity { get; init; }

    /// <summary>How long the others wait after the last renewal that they saw before one of them takes the lease. Whole seconds, as the object has it.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How old the last renewal may be for its holder to write. What is left to <see cref="Duration"/> is the time in which a write that
    /// was on its way ends, before another replica can begin.
    /// </summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Pause between two attempts to take or renew it.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromMilliseconds(500);
}
