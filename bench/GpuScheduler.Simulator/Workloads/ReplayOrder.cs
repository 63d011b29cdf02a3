using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>
/// Reads arrival orders of the published experiment: a line "pods i,j,…" with 0-based rows of the trace, and a line "nodes a,b,…" with
/// the numbers at the end of the nodes' names, best first.
/// </summary>
internal static class ReplayOrder
{
    private const string PodsLine = "pods ";
    private const string NodesLine = "nodes ";

    /// <summary>The file of a trace and a seed.</summary>
    public static string PathOf(string folder, string trace, long seed) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{trace}_{seed}.txt"));

    /// <summary>Reads a file; null when there is none.</summary>
    public static Arrivals? TryRead(string folder, Trace trace, long seed, ClusterFacts cluster)
    {
        var path = PathOf(folder, trace.Name, seed);
        if (!File.Exists(path))
        {
            return null;
        }

        ImmutableArray<int>? pods = null;
        ImmutableArray<int>? nodes = null;
        var number = 0;
        foreach (var line in Lines(path))
        {
            number++;
            if (line.StartsWith(PodsLine, StringComparison.Ordinal))
            {
                pods = Pods(line.AsSpan(PodsLine.Length), trace, path, number);
            }
            else if (line.StartsWith(NodesLine, StringComparison.Ordinal))
            {
                nodes = Nodes(line[NodesLine.Length..], cluster, path, number);
            }
            else if (line.Length > 0)
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{path}:{number}: lines that begin with \"{PodsLine}\" and \"{NodesLine}\" are allowed"));
            }
        }

        return pods is { } order && nodes is { } ties
            ? new Arrivals(order, ties, ArrivalOrigin.Replay)
            : throw new InputException($"{path}: the line \"{(pods is null ? PodsLine : NodesLine)}…\" is missing");
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the arrival order cannot be read: {e.Message}", e);
        }
    }

    private static ImmutableArray<int> Pods(ReadOnlySpan<char> list, Trace trace, string path, int line)
    {
        var pods = ImmutableArray.CreateBuilder<int>();
        foreach (var part in list.Split(','))
        {
            if (!int.TryParse(list[part], NumberStyles.None, CultureInfo.InvariantCulture, out var row) || row >= trace.Pods.Count)
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{path}:{line}: \"{list[part]}\" is not a row of trace {trace.Name}, which has rows 0 to {trace.Pods.Count - 1}"));
            }

            pods.Add(row);
        }

        return pods.ToImmutable();
    }

    /// <summary>Nodes by the number that their name ends in. Nodes of the cluster that are not in the file come last, in the cluster's order.</summary>
    private static ImmutableArray<int> Nodes(string list, ClusterFacts cluster, string path, int line)
    {
        var positions = new Dictionary<int, int>();
        for (var i = 0; i < cluster.Nodes.Length; i++)
        {
            var name = cluster.Nodes[i].Name;
            if (int.TryParse(name.AsSpan(name.LastIndexOf('-') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                positions.TryAdd(number, i);
            }
        }

        var nodes = new List<int>(cluster.Nodes.Length);
        var listed = new HashSet<int>();
        foreach (var part in list.Split(','))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{path}:{line}: \"{part}\" is not the number of a node"));
            }

            if (positions.TryGetValue(number, out var at) && listed.Add(at))
            {
                nodes.Add(at);
            }
        }

        nodes.AddRange(Enumerable.Range(0, cluster.Nodes.Length).Where(i => !listed.Contains(i)));
        return [.. nodes];
    }
}
