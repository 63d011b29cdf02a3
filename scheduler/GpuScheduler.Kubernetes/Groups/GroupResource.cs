using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>A kind of object that declares groups of pods: where it is served, and how it is read.</summary>
/// <param name="Kind">One of <see cref="GroupKinds"/>: plural name, dot, API group.</param>
/// <param name="ObjectKind">What such objects have for kind.</param>
/// <param name="Versions">Versions of its API that can be read, the preferred one first.</param>
/// <param name="Describe">Adds what an object says to the object that has its id and UID.</param>
internal sealed record GroupResource(string Kind, string ObjectKind, ImmutableArray<string> Versions, Func<ObjectFields, GroupObject, GroupObject> Describe)
{
    /// <summary>Plural name.</summary>
    public string Plural => Kind[..Kind.IndexOf('.', StringComparison.Ordinal)];

    /// <summary>API group.</summary>
    public string ApiGroup => Kind[(Kind.IndexOf('.', StringComparison.Ordinal) + 1)..];

    /// <summary>How to list and watch it.</summary>
    public WatchedResource Watched => new(Plural, PathOf(Versions[0]), ApiGroup, MayBeAbsent: true)
    {
        Title = Kind,
        OtherPaths = [.. Versions.Skip(1).Select(PathOf)],
        IsOptional = true,
    };

    private string PathOf(string version) => $"apis/{ApiGroup}/{version}/{Plural}";
}
