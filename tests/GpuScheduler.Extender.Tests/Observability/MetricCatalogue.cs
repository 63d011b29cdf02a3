using System.Text.RegularExpressions;

namespace GpuScheduler.Extender.Tests.Observability;

/// <summary>The metrics that docs/metrics.md lists.</summary>
internal static partial class MetricCatalogue
{
    /// <summary>By name: type and labels.</summary>
    public static IReadOnlyDictionary<string, (string Type, string[] Labels)> Documented { get; } = Row()
        .Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "metrics.md")))
        .ToDictionary(m => m.Groups[1].Value, m => (m.Groups[2].Value, Label().Matches(m.Groups[3].Value).Select(l => l.Groups[1].Value).ToArray()), StringComparer.Ordinal);

    /// <summary>Names of ours in a query of Prometheus, without what a histogram adds.</summary>
    public static IEnumerable<string> NamesIn(string query) =>
        Name().Matches(query).Select(m => m.Value).Select(n => Documented.ContainsKey(n) ? n : Suffix().Replace(n, "")).Distinct();

    [GeneratedRegex(@"^\| `(\w+)` \| (\w+) \|([^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`(\\w+)`")]
    private static partial Regex Label();

    [GeneratedRegex(@"\bgpu_?scheduler_\w+")]
    private static partial Regex Name();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
