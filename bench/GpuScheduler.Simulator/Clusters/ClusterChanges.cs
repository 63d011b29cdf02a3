using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Clusters;

/// <summary>What would be done to a cluster.</summary>
internal sealed record ClusterChanges
{
    /// <summary>Nodes added: COUNTxSHAPE each.</summary>
    public IReadOnlyList<string> Add { get; init; } = [];

    /// <summary>Nodes taken away: a name or LABEL=VALUE each. Their pods are placed anew.</summary>
    public IReadOnlyList<string> Remove { get; init; } = [];

    /// <summary>Nodes closed: a name or LABEL=VALUE each. Their pods stay.</summary>
    public IReadOnlyList<string> Cordon { get; init; } = [];

    /// <summary>Nodes cut anew: NODE=PROFILE:COUNT,… or NODE=none each. Their pods are placed anew.</summary>
    public IReadOnlyList<string> Repartition { get; init; } = [];

    /// <summary>True when there is no change.</summary>
    public bool IsEmpty => Add.Count + Remove.Count + Cordon.Count + Repartition.Count == 0;

    /// <summary>The cluster afterwards. Nodes are removed first, then cut, added and closed.</summary>
    public ClusterModel ApplyTo(ClusterModel cluster)
    {
        var removed = Remove.SelectMany(r => Select("--remove", r, cluster.Nodes)).Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        var nodes = cluster.Nodes.Where(n => !removed.Contains(n.Name)).ToList();
        var cut = new HashSet<string>(StringComparer.Ordinal);
        foreach (var text in Repartition)
        {
            var equals = text.LastIndexOf('=');
            if (equals < 1)
            {
                throw new InputException($"--repartition \"{text}\": NODE=PROFILE:COUNT,… is allowed, for example node-0003=1g.10gb:14,3g.40gb:4, or NODE=none");
            }

            foreach (var node in Select("--repartition", text[..equals], nodes))
            {
                nodes[nodes.IndexOf(node)] = Cut(node, text[(equals + 1)..]);
                cut.Add(node.Name);
            }
        }

        foreach (var text in Add)
        {
            var (count, spec) = NodeSpec.ParseCounted(text, cluster.Nodes);
            nodes.AddRange(New(count, spec, nodes));
        }

        var cordoned = cluster.Cordoned.Union(Cordon.SelectMany(c => Select("--cordon", c, nodes)).Select(n => n.Name)).ToHashSet(StringComparer.Ordinal);
        IReadOnlyDictionary<string, T> Unchanged<T>(IReadOnlyDictionary<string, T> byNode) =>
            byNode.Where(n => !removed.Contains(n.Key) && !cut.Contains(n.Key)).ToDictionary(StringComparer.Ordinal);
        bool Displaces(PodInfo pod) => removed.Contains(pod.NodeName!) || cut.Contains(pod.NodeName!);
        var displaced = cluster.BoundPods.Where(Displaces).ToList();
        return cluster with
        {
            Name = cluster.Name + ", changed",
            Source = $"{cluster.Source}; {this}",
            Nodes = nodes.Count > 0 ? nodes : throw new InputException("--remove takes every node away"),
            Reports = Unchanged(cluster.Reports),
            Statements = cluster.Statements.ToDictionary(s => s.Key, s => Unchanged(s.Value)),
            BoundPods = [.. cluster.BoundPods.Where(p => !Displaces(p))],
            Displaced = displaced,
            Cordoned = cordoned,
            Notes =
            [
                .. cluster.Notes,
                .. displaced.Count > 0 ? [$"{displaced.Count} pods ran on nodes that were removed or cut anew; they are placed again before anything arrives, and count as failed where there is no place"] : Array.Empty<string>(),
            ],
        };
    }

    /// <summary>New nodes of a shape, with names that no other has.</summary>
    public static IEnumerable<NodeObject> New(int count, NodeSpec spec, IReadOnlyCollection<NodeObject> present)
    {
        var names = present.Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        for (var (made, number) = (0, 0); made < count; number++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"new-{number:D4}");
            if (names.Add(name))
            {
                made++;
                yield return spec.Build(name);
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(
        ", ",
        Add.Select(a => $"{a} added").Concat(Remove.Select(r => $"{r} removed")).Concat(Cordon.Select(c => $"{c} cordoned")).Concat(Repartition.Select(r => $"{r} cut anew")));

    private static List<NodeObject> Select(string option, string text, IReadOnlyList<NodeObject> nodes)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var found = nodes.Where(n => equals < 0
            ? n.Name == text
            : n.Labels.TryGetValue(text[..equals], out var value) && value == text[(equals + 1)..]).ToList();
        return found.Count > 0 ? found
            : throw new InputException($"{option} {text}: no node {(equals < 0 ? "has this name" : "has this label")}; the first is {nodes[0].Name} with {string.Join(", ", nodes[0].Labels.Select(l => $"{l.Key}={l.Value}"))}");
    }

    private static NodeObject Cut(NodeObject node, string layout)
    {
        var total = NodeSpec.GpusOf(node);
        var allocatable = node.Allocatable.Where(a => !a.Key.StartsWith(GpuAnnotations.MigResourcePrefix, StringComparison.Ordinal)).ToDictionary(StringComparer.Ordinal);
        var gpus = 0;
        if (layout != "none")
        {
            var product = node.Labels.GetValueOrDefault(NodeSpec.ProductLabel, "");
            var geometry = GpuCatalogue.Find(product)?.Mig ?? throw new InputException($"--repartition {node.Name}: \"{product}\" has no MIG profiles that are known");
            var counts = new int[geometry.Profiles.Length];
            foreach (var part in Spans.Parts(layout))
            {
                var colon = part.LastIndexOf(':');
                var profile = geometry.IndexOf(colon < 0 ? part : part[..colon]);
                if (profile < 0 || colon < 0 || !int.TryParse(part.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > 1024)
                {
                    throw new InputException($"--repartition {node.Name}: \"{part}\" is not PROFILE:COUNT; profiles of {product} are {string.Join(", ", geometry.Profiles.Select(p => p.Name))}");
                }

                counts[profile] += count;
                allocatable[GpuAnnotations.MigResourcePrefix + geometry.Profiles[profile].Name] = counts[profile].ToString(CultureInfo.InvariantCulture);
            }

            gpus = Enumerable.Range(1, Math.Max(total, 1)).FirstOrDefault(g => MigLayout.TryLayOut(geometry, counts, g) is not null);
            if (gpus == 0 || gpus > total)
            {
                throw new InputException($"--repartition {node.Name}: {layout} does not fit on its {total} GPUs");
            }
        }

        allocatable[GpuAnnotations.GpuResource] = (total - gpus).ToString(CultureInfo.InvariantCulture);
        return node with { Allocatable = allocatable, Statement = null };
    }
}
