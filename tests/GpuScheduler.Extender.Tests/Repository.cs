using System.Collections.Immutable;
using GpuScheduler.Kubernetes;
using GpuScheduler.Testing;

namespace GpuScheduler.Extender.Tests;

/// <summary>The checkout that the tests were built from, and the example cluster in it.</summary>
internal static class Repository
{
    public static string Root => Checkout.Root;

    public static string ExampleCluster { get; } = Path.Combine(Root, "manifests", "examples", "cluster.yaml");

    public static ImmutableArray<string> ExampleNodes { get; } = [.. SnapshotFile.Load(ExampleCluster).Nodes.Select(n => n.Name)];
}
