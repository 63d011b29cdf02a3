using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>One gang of several.</summary>
public sealed record BatchGang
{
    /// <summary>What messages call it.</summary>
    public required string Name { get; init; }

    /// <summary>What placing it is worth, for example its GPUs times its priority; at least 1.</summary>
    public required long Weight { get; init; }

    /// <summary>Its roles.</summary>
    public required ImmutableArray<GangRole> Roles { get; init; }

    /// <summary>As <see cref="GangProblem.RequiredLevel"/>.</summary>
    public int? RequiredLevel { get; init; }

    /// <summary>As <see cref="GangProblem.PreferredLevel"/>.</summary>
    public int? PreferredLevel { get; init; }
}
