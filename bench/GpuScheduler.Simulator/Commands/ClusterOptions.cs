using System.CommandLine;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Generation;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Commands;

/// <summary>The options that say which cluster, and the folder of openb, which is cluster and workload.</summary>
internal sealed class ClusterOptions
{
    private readonly Option<string?> _cluster = new("--cluster") { Description = $"The cluster in one word: a snapshot, a node list in openb's form (.csv), or generated:NAME=VALUE,... of equal nodes: {GeneratedCluster.Settings}.", HelpName = "CLUSTER" };
    private readonly Option<string?> _nodes = new("--nodes") { Description = "Node list in openb's form (sn, cpu_milli, memory_mib, gpu, model), in place of openb's own.", HelpName = "FILE" };
    private readonly Option<string?> _snapshot = new("--snapshot") { Description = "Cluster as written by: kubectl get nodes,pods -A -o yaml (or json). Pods that run stay; those that wait, and copies of all, arrive.", HelpName = "FILE" };
    private readonly Option<string?> _generate = new("--generate") { Description = "Generated cluster: COUNTxPRODUCT:GPUS[:CPU[:MEMORY]], several separated by commas, for example 64xH100:8:192:2Ti,40xT4:4.", HelpName = "NODES" };
    private readonly Option<string?> _levels = new("--levels") { Description = "Labels of generated nodes and how many neighbours share a value, for example topology.kubernetes.io/rack=8.", HelpName = "LABEL=NODES" };
    private readonly Option<double?> _migShare = new("--mig-share") { Description = "Share (0 to 1) of the generated nodes able to be cut by MIG that are cut.", HelpName = "SHARE" };

    /// <summary>Folder with openb's node and pod lists.</summary>
    public Option<string?> Openb { get; } = new("--openb") { Description = "Folder with openb_node_list_gpu_node.csv and openb_pod_list_TRACE.csv.", HelpName = "DIR" };

    /// <summary>A scenario file.</summary>
    public Option<string?> Scenario { get; } = new("--scenario") { Description = "Cluster and kinds of pods to generate from, as JSON; without it and any other input, the built-in example.", HelpName = "FILE" };

    /// <summary>Seed of generated clusters and workloads.</summary>
    public Option<long> GeneratorSeed { get; } = new("--generator-seed") { Description = "Seed of generated clusters and pods (the seeds of runs are --seeds).", HelpName = "SEED", DefaultValueFactory = _ => 1 };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[Openb, _cluster, _nodes, _snapshot, _generate, Scenario, _levels, _migShare, GeneratorSeed])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The scenario, with what other options change of it.</summary>
    public Scenario ReadScenario(ParseResult parsed)
    {
        var scenario = parsed.GetValue(Scenario) is { } path ? Generation.Scenario.Load(path) : Generation.Scenario.Example;
        if (parsed.GetValue(_cluster) is { } cluster && IsGenerated(cluster))
        {
            scenario = GeneratedCluster.Apply(cluster, scenario);
        }

        if (parsed.GetValue(_generate) is { } nodes)
        {
            scenario = scenario with { Name = "generated", Nodes = Spans.Parts(nodes), Levels = new Dictionary<string, int>() };
        }

        if (parsed.GetValue(_levels) is { } levels)
        {
            scenario = scenario with { Levels = Spans.Parts(levels).Select(ReadLevel).ToDictionary(StringComparer.Ordinal) };
        }

        return parsed.GetValue(_migShare) is not { } share ? scenario
            : share is >= 0 and <= 1 ? scenario with { MigShare = share }
            : throw new InputException($"--mig-share {share}: from 0 to 1 is allowed");
    }

    /// <summary>The cluster.</summary>
    public ClusterModel Read(ParseResult parsed)
    {
        var (nodes, snapshot, openb) = (parsed.GetValue(_nodes), parsed.GetValue(_snapshot), parsed.GetValue(Openb));
        var cluster = parsed.GetValue(_cluster);
        var generated = parsed.GetValue(_generate) is not null || (cluster is not null && IsGenerated(cluster)) || (parsed.GetValue(Scenario) is not null && openb is null);
        if (cluster is not null && (nodes ?? snapshot ?? parsed.GetValue(_generate)) is not null)
        {
            throw new InputException("several clusters: --cluster stands for --nodes, --snapshot and --generate; give one of them");
        }

        if (cluster is not null && !generated)
        {
            nodes = IsNodeList(cluster) ? cluster : null;
            snapshot = nodes is null ? cluster : null;
        }

        if ((nodes is null ? 0 : 1) + (snapshot is null ? 0 : 1) + (generated ? 1 : 0) > 1)
        {
            throw new InputException("several clusters: give one of --nodes, --snapshot, --generate and --scenario");
        }

        return snapshot is not null ? SnapshotCluster.Read(snapshot)
            : nodes is not null ? OpenbNodes.Read(nodes)
            : openb is not null && !generated ? OpenbNodes.Read(Folder(openb))
            : ClusterGenerator.Generate(ReadScenario(parsed), parsed.GetValue(GeneratorSeed));
    }

    /// <summary>True when the cluster is a snapshot.</summary>
    public bool IsSnapshot(ParseResult parsed) => parsed.GetValue(_snapshot) is not null || (parsed.GetValue(_cluster) is { } cluster && !IsGenerated(cluster) && !IsNodeList(cluster));

    private static bool IsGenerated(string cluster) => cluster.StartsWith(GeneratedCluster.Prefix, StringComparison.Ordinal);

    private static bool IsNodeList(string cluster) => cluster.EndsWith(".csv", StringComparison.OrdinalIgnoreCase);

    private static string Folder(string openb)
    {
        var path = Path.Combine(openb, OpenbNodes.UsualFile);
        return File.Exists(path) ? path
            : throw new InputException(Directory.Exists(openb)
                ? $"{openb} has no {OpenbNodes.UsualFile}: give the folder with the openb trace, or another list with --nodes"
                : $"{openb} does not exist: --openb takes the folder with {OpenbNodes.UsualFile}");
    }

    private static KeyValuePair<string, int> ReadLevel(string text)
    {
        var equals = text.LastIndexOf('=');
        return equals > 0 && int.TryParse(text.AsSpan(equals + 1), System.Globalization.CultureInfo.InvariantCulture, out var nodes) && nodes > 0
            ? KeyValuePair.Create(text[..equals], nodes)
            : throw new InputException($"--levels \"{text}\": LABEL=NODES is allowed, for example topology.kubernetes.io/rack=8");
    }
}
