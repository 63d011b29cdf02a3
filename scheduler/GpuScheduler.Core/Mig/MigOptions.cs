using System.Collections.Immutable;

namespace GpuScheduler.Core.Mig;

/// <summary>How layouts are changed.</summary>
public sealed record MigOptions
{
    /// <summary>The configurations that may be asked for.</summary>
    public ImmutableArray<MigConfig> Configs { get; init; } = [];

    /// <summary>How long a pod has to find no place before a node is changed for it.</summary>
    public TimeSpan MinWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a node that was changed is not changed again.</summary>
    public TimeSpan Cooldown { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a change may take, a reboot included; and then its restoration.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a node and a configuration are left alone after a failure, at first; it doubles with each further one, up to 32 times.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Most nodes in change at once.</summary>
    public int MostAtOnce { get; init; } = 1;

    /// <summary>How long one plan may be thought about.</summary>
    public TimeSpan SolveLimit { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often at most a plan is made.</summary>
    public TimeSpan PlanInterval { get; init; } = TimeSpan.FromSeconds(5);
}
