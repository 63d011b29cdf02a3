using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Clusters;

/// <summary>Reads a node list of the openb trace: sn, cpu_milli, memory_mib, gpu, model.</summary>
internal static class OpenbNodes
{
    /// <summary>The list that the published experiment uses.</summary>
    public const string UsualFile = "openb_node_list_gpu_node.csv";

    /// <summary>Pods that a node of the published experiment takes; no trace comes near it.</summary>
    private const int MostPods = 1001;

    /// <summary>Reads a list.</summary>
    public static ClusterModel Read(string path)
    {
        using var table = CsvTable.Open(path, "the list of nodes");
        var (name, cpu, memory, gpus, model) = (table.Column("sn"), table.Column("cpu_milli"), table.Column("memory_mib"), table.Column("gpu"), table.Column("model"));
        var nodes = new List<NodeObject>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (table.Next())
        {
            var sn = table.Text(name);
            if (sn.Length == 0 || !seen.Add(sn))
            {
                throw table.Wrong(name, sn.Length == 0 ? "a name is needed" : "each node may be listed once");
            }

            var count = (int)table.Whole(gpus, InterconnectMatrix.MostGpus);
            if (count > 0 && table.Text(model).Length == 0)
            {
                throw table.Wrong(model, "a node with GPUs needs the name of their model");
            }

            nodes.Add(new NodeSpec(
                count > 0 ? table.Text(model) : "",
                count,
                table.Whole(cpu).ToString(CultureInfo.InvariantCulture) + "m",
                table.Whole(memory).ToString(CultureInfo.InvariantCulture) + "Mi") { MostPods = MostPods }.Build(sn));
        }

        if (nodes.Count == 0)
        {
            throw new InputException($"{path} lists no nodes");
        }

        nodes.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return new ClusterModel { Name = Path.GetFileNameWithoutExtension(path), Source = $"node list {path}", File = path, Nodes = nodes };
    }
}
