using System.Globalization;

namespace GpuScheduler.Simulator.Tests.Reference;

/// <summary>A small cluster and trace in the form of openb, of the same kinds of nodes and pods, with an order of arrival.</summary>
internal sealed class SyntheticOpenb
{
    private static readonly (long Cpu, long Memory, int Gpus, string Model)[] s_nodes =
    [
        (64000, 262144, 2, "P100"), (96000, 393216, 8, "G2"), (96000, 393216, 4, "G2"), (32000, 131072, 4, "T4"), (128000, 786432, 8, "G3"), (48000, 131072, 1, "V100M32"),
    ];

    private readonly Random _random;
    private readonly List<(long Cpu, long Memory, int Gpus, string Model)> _nodes = [];

    public SyntheticOpenb(int seed, int nodes, int pods)
    {
        _random = new Random(seed);
        for (var i = 0; i < nodes; i++)
        {
            _nodes.Add(Any(s_nodes));
        }

        for (var i = 0; i < pods; i++)
        {
            Trace.Add(Pod());
        }

        var order = Enumerable.Range(0, pods).ToArray();
        _random.Shuffle(order);
        Arrivals = [.. order, .. Enumerable.Range(0, pods / 2).Select(_ => _random.Next(pods))];
        var ties = Enumerable.Range(0, nodes).ToArray();
        _random.Shuffle(ties);
        Ties = ties;
    }

    public List<ReferencePod> Trace { get; } = [];

    /// <summary>Rows of the trace in the order of arrival.</summary>
    public IReadOnlyList<int> Arrivals { get; }

    /// <summary>Positions of the nodes, best first.</summary>
    public IReadOnlyList<int> Ties { get; }

    public IEnumerable<ReferenceNode> NewNodes() => _nodes.Select((n, i) => new ReferenceNode(NameOf(i), n.Cpu, n.Memory, n.Gpus, n.Model));

    /// <summary>Writes node list, pod list and arrival order as openb and its replays have them.</summary>
    public void Write(string folder, string trace, long seed)
    {
        File.WriteAllLines(Path.Combine(folder, "openb_node_list_gpu_node.csv"), NewNodes().Select(n => n.ToCsv()).Prepend("sn,cpu_milli,memory_mib,gpu,model"));
        File.WriteAllLines(
            Path.Combine(folder, $"openb_pod_list_{trace}.csv"),
            Trace.Select((p, i) => p.ToCsv(string.Create(CultureInfo.InvariantCulture, $"openb-pod-{i:D4}"))).Prepend("name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec"));
        File.WriteAllLines(
            Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{trace}_{seed}.txt")),
            [$"pods {string.Join(',', Arrivals)}", $"nodes {string.Join(',', Ties.Select(t => t.ToString("D4", CultureInfo.InvariantCulture)))}"]);
    }

    private static string NameOf(int node) => string.Create(CultureInfo.InvariantCulture, $"openb-node-{node:D4}");

    private ReferencePod Pod()
    {
        var cpu = Any([1000, 3152, 6000, 8000, 11400, 12500, 24000L]);
        var memory = Any([4096, 12288, 30517, 65536L]);
        var spec = _random.Next(5) == 0 ? Any(["G2", "G2|G3", "T4", "P100|V100M32"]) : "";
        return _random.Next(10) switch
        {
            < 2 => new ReferencePod(cpu, memory, 0, 0, ""),
            < 6 => new ReferencePod(cpu, memory, 1, Any([120, 250, 330, 470, 500, 810]), spec),
            < 9 => new ReferencePod(cpu, memory, 1, 1000, spec),
            _ => new ReferencePod(cpu, memory, Any([2, 4, 8]), 1000, spec),
        };
    }

    private T Any<T>(T[] of) => of[_random.Next(of.Length)];
}
