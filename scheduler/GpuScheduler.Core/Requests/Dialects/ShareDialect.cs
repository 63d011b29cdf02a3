using System.Collections.Frozen;
using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>The words in which pods of another GPU sharing stack ask, and who reads the answer.</summary>
/// <param name="Name">Its name in settings and messages.</param>
/// <param name="Plugin">The device plugin that a node must run for its shares; None where any node will do.</param>
public sealed record ShareDialect(string Name, DevicePlugins Plugin)
{
    /// <summary>The resource that says on how many GPUs, where the others mean nothing without it.</summary>
    internal string? Count { get; init; }

    /// <summary>Its resources, by what they say.</summary>
    internal FrozenDictionary<string, ShareWord> Resources { get; init; } = FrozenDictionary<string, ShareWord>.Empty;

    /// <summary>The annotations in which its pods ask.</summary>
    internal ImmutableArray<string> Asks { get; init; } = [];

    /// <summary>The annotations that say what a pod was given.</summary>
    internal ImmutableArray<string> Gives { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <inheritdoc/>
    public bool Equals(ShareDialect? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Name);
}
