using GpuScheduler.Core.Cluster;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Clusters;

/// <summary>The names of the node orders, and how nodes are put into them.</summary>
internal static class NodeOrders
{
    private static readonly (string Name, NodeOrder Order)[] s_names =
    [
        ("random", NodeOrder.Random),
        ("given", NodeOrder.Given),
        ("cpu-per-gpu-asc", NodeOrder.CpuPerGpuAscending),
        ("cpu-per-gpu-desc", NodeOrder.CpuPerGpuDescending),
        ("small-first", NodeOrder.SmallFirst),
        ("big-first", NodeOrder.BigFirst),
    ];

    /// <summary>The names.</summary>
    public static IEnumerable<string> Names => s_names.Select(n => n.Name);

    /// <summary>The name of an order.</summary>
    public static string NameOf(NodeOrder order) => s_names.First(n => n.Order == order).Name;

    /// <summary>The order of a name.</summary>
    public static NodeOrder Parse(string name)
    {
        foreach (var (known, order) in s_names)
        {
            if (known == name)
            {
                return order;
            }
        }

        throw new InputException($"--node-order {name} is not known; there are {string.Join(", ", Names)}");
    }

    /// <summary>
    /// Positions of the nodes, best first. Nodes that the order does not tell apart keep the order of <paramref name="random"/>.
    /// </summary>
    /// <param name="order">The order.</param>
    /// <param name="facts">The nodes.</param>
    /// <param name="random">A random order of their positions.</param>
    public static int[] Arrange(NodeOrder order, IReadOnlyList<NodeFacts> facts, int[] random) => order switch
    {
        NodeOrder.Random => random,
        NodeOrder.Given => [.. Enumerable.Range(0, facts.Count)],
        NodeOrder.CpuPerGpuAscending => [.. random.OrderBy(i => CpuPerGpu(facts[i]))],
        NodeOrder.CpuPerGpuDescending => [.. random.OrderByDescending(i => CpuPerGpu(facts[i]))],
        NodeOrder.SmallFirst => [.. random.OrderBy(i => facts[i].Gpus.Length)],
        NodeOrder.BigFirst => [.. random.OrderByDescending(i => facts[i].Gpus.Length)],
        _ => throw new ArgumentOutOfRangeException(nameof(order)),
    };

    private static double CpuPerGpu(NodeFacts node) => node.Gpus.IsEmpty ? double.PositiveInfinity : (double)node.CpuMilli / node.Gpus.Length;
}
