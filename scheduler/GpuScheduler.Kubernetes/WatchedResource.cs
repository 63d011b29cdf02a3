using System.Collections.Immutable;

namespace GpuScheduler.Kubernetes;

/// <summary>A resource to list and watch.</summary>
/// <param name="Name">Its plural name.</param>
/// <param name="Path">Path below the server's address, without a leading slash.</param>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="FieldSelector">Field selector, or empty for all objects.</param>
/// <param name="MayBeAbsent">True for a custom resource whose definition may not be installed: that counts as an empty list.</param>
internal sealed record WatchedResource(string Name, string Path, string Group = "", string FieldSelector = "", bool MayBeAbsent = false)
{
    /// <summary>Its name in logs and metrics.</summary>
    public string Title { get; init; } = Name;

    /// <summary>Where it is if it is not at <see cref="Path"/>: the same resource in other versions of its API.</summary>
    public ImmutableArray<string> OtherPaths { get; init; } = [];

    /// <summary>True when most clusters do without it: its absence is not worth a word, and not being allowed to read it counts as absence, with a warning.</summary>
    public bool IsOptional { get; init; }

    /// <summary>What must be allowed.</summary>
    public RbacRule Rule { get; } = new(Group, Name, "list, watch");
}
