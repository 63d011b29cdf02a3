using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>An object that speaks of one node.</summary>
/// <param name="Node">Name of the node.</param>
/// <param name="Statement">What it says.</param>
internal sealed record SourceObject(string Node, NodeStatement Statement);
