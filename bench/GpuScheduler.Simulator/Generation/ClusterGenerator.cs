using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Generation;

/// <summary>Makes clusters: shapes and numbers of nodes, labels of the network above them, and a share of nodes cut by MIG.</summary>
internal static class ClusterGenerator
{
    /// <summary>
    /// Ways to cut a GPU with seven compute slices, by the slices of each device: all of them fill it. Smaller geometries take
    /// whole halves and quarters.
    /// </summary>
    private static readonly int[][] s_sevenSlices = [[1, 1, 1, 1, 1, 1, 1], [2, 2, 2, 1], [3, 2, 1, 1], [3, 4], [4, 2, 1]];

    private static readonly int[][] s_fourSlices = [[1, 1, 1, 1], [2, 1, 1], [2, 2]];

    /// <summary>Makes a cluster.</summary>
    /// <param name="scenario">What of.</param>
    /// <param name="seed">Decides which nodes are cut, and how.</param>
    public static ClusterModel Generate(Scenario scenario, long seed)
    {
        var draw = new Pcg32(seed, DrawStream.Cluster);
        var nodes = new List<NodeObject>();
        var cut = 0;
        foreach (var text in scenario.Nodes)
        {
            var (count, spec) = NodeSpec.ParseCounted(text, []);
            for (var i = 0; i < count; i++)
            {
                var geometry = spec.Gpus > 0 ? GpuCatalogue.Find(spec.Product)?.Mig : null;
                (IReadOnlyDictionary<string, int>, int)? mig = null;
                if (geometry is not null && draw.NextUnit() < scenario.MigShare)
                {
                    mig = (Devices(geometry, spec.Gpus, draw), spec.Gpus);
                    cut++;
                }

                var at = nodes.Count;
                nodes.Add(spec.Build(
                    string.Create(CultureInfo.InvariantCulture, $"node-{at:D4}"),
                    scenario.Levels.Select(l => KeyValuePair.Create(l.Key, (at / l.Value).ToString(CultureInfo.InvariantCulture))),
                    mig));
            }
        }

        return new ClusterModel
        {
            Name = scenario.Name,
            Source = string.Create(CultureInfo.InvariantCulture, $"generated: {string.Join(", ", scenario.Nodes)}{(cut > 0 ? $"; {cut} nodes cut by MIG, seed {seed}" : "")}"),
            Nodes = nodes,
        };
    }

    private static Dictionary<string, int> Devices(MigGeometry geometry, int gpus, Pcg32 draw)
    {
        var ways = geometry.MemorySlices == 4 ? s_fourSlices : s_sevenSlices;
        var way = ways[draw.Next(ways.Length)];
        var devices = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var slices in way)
        {
            var name = SmallestWith(geometry, slices)!.Name;
            devices[name] = devices.GetValueOrDefault(name) + gpus;
        }

        return devices;
    }

    /// <summary>The profile with so many compute slices and the least memory; null when there is none.</summary>
    public static MigProfile? SmallestWith(MigGeometry geometry, int computeSlices) =>
        geometry.Profiles.Where(p => p.ComputeSlices == computeSlices && !p.HasMediaExtensions).MinBy(p => p.MemorySlices);
}
