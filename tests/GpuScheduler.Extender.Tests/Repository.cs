using System.Collections.Immutable;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Tests;

/// <summary>The checkout that the tests were built from, and the example cluster in it.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string ExampleCluster { get; } = Path.Combine(Root, "manifests", "examples", "cluster.yaml");

    public static ImmutableArray<string> ExampleNodes { get; } = [.. SnapshotFile.Load(ExampleCluster).Nodes.Select(n => n.Name)];

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Scheduler.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("the tests must run from a checkout: Scheduler.sln was not found above " + AppContext.BaseDirectory);
    }
}
