using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>Room to be made for a gang of whole GPUs, by evicting jobs whole or not at all, inside one domain.</summary>
public sealed record EvictionProblem
{
    /// <summary>The gang and the cluster with everybody on it. The gang's minima are made room for.</summary>
    public required GangProblem Gang { get; init; }

    /// <summary>Jobs that may be evicted.</summary>
    public required ImmutableArray<EvictionVictim> Victims { get; init; }
}
