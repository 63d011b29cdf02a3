using System.Text.RegularExpressions;
using GpuScheduler.Core.Mig;
using GpuScheduler.Testing.Documentation;
using Xunit;

namespace GpuScheduler.Extender.Tests.Observability;

/// <summary>docs/events.md lists every event of the log.</summary>
public sealed partial class EventCatalogueTests
{
    private static readonly string[] s_sources =
    [
        .. new[] { "scheduler", "extender" }.SelectMany(f => Directory.GetFiles(Path.Combine(Repository.Root, f), "*.cs", SearchOption.AllDirectories)).Select(File.ReadAllText),
    ];

    [Fact]
    public void Every_event_of_the_sources_is_listed_with_its_level_and_no_id_is_used_twice()
    {
        var events = s_sources.SelectMany(s => Event().Matches(s)).Select(m => $"{m.Groups[1].Value} {m.Groups[2].Value}").Order(StringComparer.Ordinal).ToList();

        // A form that is not understood here must not go by unseen.
        Assert.Equal(s_sources.Sum(s => Attribute().Count(s)), events.Count);
        Assert.Equal(events.Select(e => e[..4]).Distinct(), events.Select(e => e[..4]));
        var rows = Row().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "events.md")));
        Assert.Equal(events, rows.Select(r => $"{r.Groups[1].Value} {r.Groups[2].Value}").Order(StringComparer.Ordinal));
        Assert.All(rows, r => Assert.True(r.Groups[3].Value.Trim().Length > 5 && r.Groups[4].Value.Trim().Length > 5, r.Value));
    }

    [Fact]
    public void The_alerts_refer_to_events_that_exist()
    {
        var rules = File.ReadAllText(Path.Combine(Repository.Root, "manifests", "monitoring", "rules.yaml"));
        var ids = Reference().Matches(rules).SelectMany(m => Number().Matches(m.Value)).Select(m => m.Value).ToList();
        Assert.NotEmpty(ids);
        var events = File.ReadAllText(Path.Combine(Repository.Root, "docs", "events.md"));
        Assert.All(ids, id => Assert.Contains($"| {id} |", events, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_event_of_Kubernetes_that_is_written_has_a_row_with_its_type()
    {
        var gangs = GangReason().Matches(File.ReadAllText(Path.Combine(Repository.Root, "extender", "GpuScheduler.Extender", "Hosting", "GangReporter.cs"))).Select(m => m.Groups[1].Value);
        var layouts = Enum.GetValues<MigNoticeKind>().Select(k => $"MigLayout{k} {(new MigNotice("n", k, "").IsWarning ? "Warning" : "Normal")}");
        var rows = MarkdownPage.Read("docs/events.md").Rows("Events of Kubernetes").Select(r => (Reason: MarkdownPage.Word(r[0])!, Type: r[1])).ToList();

        Assert.Equal(gangs.Order(StringComparer.Ordinal), rows.Select(r => r.Reason).Where(r => r.StartsWith("Gang", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(layouts.Order(StringComparer.Ordinal), rows.Where(r => !r.Reason.StartsWith("Gang", StringComparison.Ordinal)).Select(r => $"{r.Reason} {r.Type}").Order(StringComparer.Ordinal));
        Assert.All(rows, r => Assert.True(r.Type is "Normal" or "Warning", r.Reason));
    }

    [GeneratedRegex(@"const string \w+ = ""(Gang\w+)""")]
    private static partial Regex GangReason();

    [GeneratedRegex(@"\[LoggerMessage\(\s*(\d{4}), LogLevel\.(\w+), """)]
    private static partial Regex Event();

    [GeneratedRegex(@"\[LoggerMessage\(")]
    private static partial Regex Attribute();

    [GeneratedRegex(@"^\| (\d{4}) \| (\w+) \| ([^|]+) \| ([^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"[Ee]vents? \d{4}( to \d{4})?")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\d{4}")]
    private static partial Regex Number();
}
