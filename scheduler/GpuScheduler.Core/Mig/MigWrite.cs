using System.Collections.Immutable;

namespace GpuScheduler.Core.Mig;

/// <summary>Labels of a node to be written in one request.</summary>
/// <param name="Node">The node.</param>
/// <param name="Expected">The configuration that it has to have (<see cref="MigLabels.Config"/>), or nothing is written; null for none.</param>
/// <param name="Labels">The labels; null takes one away.</param>
public sealed record MigWrite(string Node, string? Expected, ImmutableSortedDictionary<string, string?> Labels)
{
    /// <summary>True to write whatever the configuration is.</summary>
    public bool IsForAnyConfig { get; init; }
}
