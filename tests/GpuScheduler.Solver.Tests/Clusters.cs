using System.Globalization;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Solver.Tests;

/// <summary>Small networks.</summary>
internal static class Clusters
{
    /// <summary>Nodes in racks in spines, as many of each as asked for.</summary>
    public static NetworkTopology Regular(int spines, int racks, int nodes) => Build(
        from spine in Enumerable.Range(0, spines)
        from rack in Enumerable.Range(0, racks)
        from node in Enumerable.Range(0, nodes)
        select (spine, rack));

    /// <summary>A node for each pair of spine and rack.</summary>
    public static NetworkTopology Build(IEnumerable<(int Spine, int Rack)> nodes) => NetworkTopology.Build(
        [new("rack", ["rack"]), new("spine", ["spine"])],
        [.. nodes.Select((n, i) => new NetworkNode(Name("n", i), new Dictionary<string, string> { ["rack"] = Name("r", n.Rack), ["spine"] = Name("s", n.Spine) }))]);

    private static string Name(string kind, int number) => string.Create(CultureInfo.InvariantCulture, $"{kind}{number}");
}
