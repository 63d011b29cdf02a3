using System.Collections.Immutable;
using System.Globalization;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// The tree of the network above the nodes. Immutable. Levels are numbered from the inside: 0 are the nodes themselves, then come
/// <see cref="Levels"/> in their order, and the last, <see cref="ClusterLevel"/>, is one domain with every node.
/// </summary>
/// <remarks>
/// It is a tree whatever the labels say: a domain is known by its value and by the domains around it, so that rack "1" of one zone is
/// not rack "1" of another. A node that lacks a level gets a stand-in there: the next domain inwards that it does name, alone, or the
/// node itself. Levels that no node carries are left out.
/// </remarks>
public sealed class NetworkTopology
{
    /// <summary>The level of the nodes themselves.</summary>
    public const int NodeLevel = 0;

    /// <summary>How many names a finding lists.</summary>
    private const int MostNames = 3;

    private readonly NetworkDomain[][] _domains;
    private readonly int[] _order;
    private readonly int[] _place;
    private readonly int[][] _domainOf;

    private NetworkTopology(ImmutableArray<NetworkLevel> levels, NetworkDomain[][] domains, int[] order, int[] place, int[][] domainOf, ImmutableArray<string> findings)
    {
        Levels = levels;
        _domains = domains;
        _order = order;
        _place = place;
        _domainOf = domainOf;
        Findings = findings;
    }

    /// <summary>No node.</summary>
    public static NetworkTopology Empty { get; } = Build([], []);

    /// <summary>The levels that some node carries, innermost first.</summary>
    public ImmutableArray<NetworkLevel> Levels { get; }

    /// <summary>The level whose only domain is the whole cluster.</summary>
    public int ClusterLevel => Levels.Length + 1;

    /// <summary>Number of node positions, free ones included.</summary>
    public int Positions => _place.Length;

    /// <summary>Positions of the nodes in the order of the tree: every domain is a range of it.</summary>
    public ReadOnlySpan<int> Order => _order;

    /// <summary>What an operator should know: levels that nodes lack, and names that lie in several places.</summary>
    public ImmutableArray<string> Findings { get; }

    /// <summary>The domains of a level, in the order of the tree.</summary>
    public ReadOnlySpan<NetworkDomain> Domains(int level) => _domains[level];

    /// <summary>Index of a node in <see cref="Order"/>, or -1 for a free position.</summary>
    public int PlaceOf(int position) => _place[position];

    /// <summary>Index of the domain of a level that a node is in, or -1 for a free position.</summary>
    public int DomainOf(int level, int position) => _place[position] is >= 0 and var place ? _domainOf[level][place] : -1;

    /// <summary>Indices of the domain of a level, for every node in <see cref="Order"/>.</summary>
    public ReadOnlySpan<int> DomainsByPlace(int level) => _domainOf[level];

    /// <summary>The domains of an inner level that lie in a domain: the first of them.</summary>
    internal int FirstInside(int level, int domain, int inner) => _domainOf[inner][_domains[level][domain].First];

    /// <summary>How many domains of an inner level lie in a domain.</summary>
    internal int CountInside(int level, int domain, int inner) => _domainOf[inner][_domains[level][domain].End - 1] - FirstInside(level, domain, inner) + 1;

    /// <summary>Number of a level by its name or by one of its labels; -1 when there is none. "node" and kubernetes.io/hostname are the nodes.</summary>
    public int FindLevel(string nameOrLabel)
    {
        ArgumentNullException.ThrowIfNull(nameOrLabel);
        if (nameOrLabel is "node" or "kubernetes.io/hostname")
        {
            return NodeLevel;
        }

        for (var i = 0; i < Levels.Length; i++)
        {
            if (Levels[i].Name == nameOrLabel || Levels[i].Labels.Contains(nameOrLabel))
            {
                return i + 1;
            }
        }

        return -1;
    }

    /// <summary>What messages call a level.</summary>
    public string NameOf(int level) => level == NodeLevel ? "node" : level == ClusterLevel ? "cluster" : Levels[level - 1].Name;

    /// <summary>What messages call a domain: its level and name, for example "spine s2".</summary>
    public string Describe(int level, int domain) => level == ClusterLevel ? "the cluster" : $"{NameOf(level)} {_domains[level][domain].Name}";

    /// <summary>Builds the tree.</summary>
    /// <param name="levels">The levels, innermost first.</param>
    /// <param name="nodes">The nodes by position; null at a free position.</param>
    public static NetworkTopology Build(IReadOnlyList<NetworkLevel> levels, IReadOnlyList<NetworkNode?> nodes)
    {
        ArgumentNullException.ThrowIfNull(levels);
        ArgumentNullException.ThrowIfNull(nodes);
        var values = new string?[levels.Count][];
        for (var l = 0; l < levels.Count; l++)
        {
            values[l] = [.. nodes.Select(n => n is null ? null : ValueOf(levels[l], n))];
        }

        var carried = Enumerable.Range(0, levels.Count).Where(l => Array.Exists(values[l], v => v is not null)).ToArray();
        return new Draft([.. carried.Select(l => levels[l])], [.. carried.Select(l => values[l])], nodes).Build();
    }

    private static string? ValueOf(NetworkLevel level, NetworkNode node)
    {
        foreach (var label in level.Labels)
        {
            var value = label == NetworkLevel.CliqueLabel && node.NvlinkDomain is { } reported ? reported : node.Labels.GetValueOrDefault(label);
            if (NetworkLevel.NamesDomain(value))
            {
                return value;
            }
        }

        return null;
    }

    private sealed class Draft(ImmutableArray<NetworkLevel> levels, string?[][] values, IReadOnlyList<NetworkNode?> nodes)
    {
        private readonly int[] _present = [.. Enumerable.Range(0, nodes.Count).Where(i => nodes[i] is not null)];

        public NetworkTopology Build()
        {
            var count = levels.Length;
            var names = new string[count + 1][];
            var origin = new int[count + 1][]; // the level that the name is of: another one for a stand-in
            names[0] = [.. nodes.Select(n => n?.Name ?? "")];
            origin[0] = new int[nodes.Count];
            for (var level = 1; level <= count; level++)
            {
                names[level] = [.. values[level - 1].Select((v, i) => v ?? names[level - 1][i])];
                origin[level] = [.. values[level - 1].Select((v, i) => v is null ? origin[level - 1][i] : level)];
            }

            int Compare(int a, int b)
            {
                for (var level = count; level >= 0; level--)
                {
                    var order = origin[level][b].CompareTo(origin[level][a]);
                    order = order != 0 ? order : string.CompareOrdinal(names[level][a], names[level][b]);
                    if (order != 0)
                    {
                        return order;
                    }
                }

                return a.CompareTo(b);
            }

            var order = _present.ToArray();
            Array.Sort(order, Compare);
            var domainOf = new int[count + 2][];
            var domains = new NetworkDomain[count + 2][];
            domainOf[count + 1] = new int[order.Length];
            domains[count + 1] = [new("cluster", true, -1, 0, order.Length, 0, 0, 0)];
            for (var level = count; level >= 0; level--)
            {
                Split(level, order, names[level], origin[level], domains, domainOf);
            }

            for (var level = 1; level <= count; level++)
            {
                foreach (var domain in domains[level])
                {
                    ref var outer = ref domains[level + 1][domain.Parent];
                    outer = outer with { NamedInside = outer.NamedInside | domain.NamedInside | (domain.IsNamed ? 1 << level : 0) };
                }
            }

            var place = new int[nodes.Count];
            Array.Fill(place, -1);
            for (var i = 0; i < order.Length; i++)
            {
                place[order[i]] = i;
            }

            return new NetworkTopology(levels, domains, order, place, domainOf, [.. Findings(domains)]);
        }

        /// <summary>Cuts the domains of the next level outwards into those of this one.</summary>
        private static void Split(int level, int[] order, string[] names, int[] origin, NetworkDomain[][] domains, int[][] domainOf)
        {
            var made = new List<NetworkDomain>();
            domainOf[level] = new int[order.Length];
            for (var i = 0; i < order.Length; i++)
            {
                var parent = domainOf[level + 1][i];
                var name = names[order[i]];
                var before = i == 0 ? -1 : order[i - 1];
                if (level == 0 || i == 0 || made[^1].Parent != parent || origin[before] != origin[order[i]] || names[before] != name)
                {
                    var outer = domains[level + 1][parent];
                    domains[level + 1][parent] = outer.Children == 0 ? outer with { FirstChild = made.Count, Children = 1 } : outer with { Children = outer.Children + 1 };
                    made.Add(new NetworkDomain(name, origin[order[i]] == level, parent, i, 0, 0, 0, 0));
                }

                domainOf[level][i] = made.Count - 1;
                made[^1] = made[^1] with { Count = made[^1].Count + 1 };
            }

            domains[level] = [.. made];
        }

        private IEnumerable<string> Findings(NetworkDomain[][] domains)
        {
            for (var l = 0; l < levels.Length; l++)
            {
                var lacking = _present.Where(i => values[l][i] is null).ToArray();
                if (lacking.Length > 0)
                {
                    yield return string.Create(CultureInfo.InvariantCulture, $"{lacking.Length} of {_present.Length} nodes do not say their {levels[l].Name} ({List(lacking.Select(i => nodes[i]!.Name))}); each is taken to be alone there");
                }

                var scattered = domains[l + 1].Where(d => d.IsNamed).GroupBy(d => d.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key).ToArray();
                if (scattered.Length > 0)
                {
                    yield return string.Create(CultureInfo.InvariantCulture, $"{scattered.Length} names of level {levels[l].Name} occur in several domains of the levels around it ({List(scattered)}); they are taken for different domains");
                }
            }
        }

        private static string List(IEnumerable<string> names)
        {
            var all = names.ToArray();
            return string.Join(", ", all.Take(MostNames)) + (all.Length > MostNames ? ", …" : "");
        }
    }
}
