using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes.Manifests;

/// <summary>What objects that are to be applied would bring: the pods that their controllers would make, and what declares groups of them.</summary>
public sealed record Manifest
{
    /// <summary>The pods, in the order of the objects. Their UIDs are made up.</summary>
    public required ImmutableArray<PodInfo> Pods { get; init; }

    /// <summary>The objects that declare groups.</summary>
    public required ImmutableArray<GroupObject> GroupObjects { get; init; }

    /// <summary>What was not looked at and may matter, in words.</summary>
    public required ImmutableArray<string> Notes { get; init; }
}
