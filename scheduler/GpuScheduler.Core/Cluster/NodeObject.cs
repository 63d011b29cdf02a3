using System.Collections.Immutable;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Cluster;

/// <summary>The parts of a Kubernetes Node that the engine reads.</summary>
public sealed record NodeObject
{
    /// <summary>The resource that says how many pods a node takes.</summary>
    public const string PodsResource = "pods";

    /// <summary>Name.</summary>
    public required string Name { get; init; }

    /// <summary>Labels, those for which <see cref="KeepsLabel"/> is true.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>spec.taints, and one for spec.unschedulable.</summary>
    public ImmutableArray<NodeTaint> Taints { get; init; } = [];

    /// <summary>status.allocatable, those resources for which <see cref="KeepsResource"/> is true.</summary>
    public IReadOnlyDictionary<string, string> Allocatable { get; init; } = new Dictionary<string, string>();

    /// <summary>What annotations of the node say of its GPUs (HAMi); null when it has none of them.</summary>
    public NodeStatement? Statement { get; init; }

    /// <summary>Annotation <see cref="GpuAnnotations.CachedData"/> as written; null when it has none.</summary>
    public string? CachedData { get; init; }

    /// <summary>Annotation <see cref="GpuAnnotations.ReachableData"/> as written; null when it has none.</summary>
    public string? ReachableData { get; init; }

    /// <summary>True for the resources of allocatable that the engine reads; others need not be kept.</summary>
    public static bool KeepsResource(string resource) => resource == PodsResource || ContainerResources.Counts(resource);

    /// <summary>True for the labels that the engine reads; others need not be kept.</summary>
    public static bool KeepsLabel(string key) =>
        key is not null
        && (key.StartsWith("nvidia.com/gpu", StringComparison.Ordinal) || key.StartsWith("nvidia.com/mig", StringComparison.Ordinal) || NetworkLevel.IsDefaultLabel(key)
            || key.StartsWith(DataReach.FluidPrefix, StringComparison.Ordinal)
            || key.StartsWith(MigLabels.Prefix, StringComparison.Ordinal) || key is "kubernetes.io/os" or "kubernetes.io/arch" or "node.kubernetes.io/instance-type");
}
