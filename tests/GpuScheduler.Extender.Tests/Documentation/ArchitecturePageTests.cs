using System.Text.RegularExpressions;
using GpuScheduler.Testing.Documentation;
using Xunit;

namespace GpuScheduler.Extender.Tests.Documentation;

/// <summary>docs/architecture.md names for each invariant the source that states it and tests that hold it.</summary>
public sealed partial class ArchitecturePageTests
{
    private static readonly IReadOnlyList<string[]> s_rows = MarkdownPage.Read("docs/architecture.md").Rows("Invariants");

    [Fact]
    public void Every_invariant_names_its_source_and_a_test()
    {
        Assert.Equal(Enumerable.Range(1, s_rows.Count).Select(n => FormattableString.Invariant($"{n}")), s_rows.Select(r => r[0]));
        Assert.True(s_rows.Count > 10, $"{s_rows.Count} invariants");
        Assert.All(s_rows, r => Assert.True(r.Length == 4 && Sources(r[2]).Any() && Tests(r[3]).Any(), $"{r[0]} {r[1]}"));
    }

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var wrong = s_rows.SelectMany(r => Tests(r[3])).Where(t => !Has(t.File, $" {t.Name}(")).Select(t => $"{t.Name} is not in {t.File}").ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Every_source_that_is_named_states_what_it_holds()
    {
        // By the number of a remark "Invariants.", or in words of the source that the page repeats.
        var wrong = s_rows.SelectMany(r => Sources(r[2])).Where(s => !Has(s.File, s.Words)).Select(s => $"{s.File} does not say \"{s.Words}\"").ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static bool Has(string file, string text) => File.ReadAllText(Path.Combine(Repository.Root, "docs", file)).Contains(text, StringComparison.Ordinal);

    private static IEnumerable<(string Name, string File)> Tests(string cell) => Link().Matches(cell).Select(m => (m.Groups[1].Value.Trim('`'), m.Groups[2].Value)).Where(l => l.Item2.Contains("/tests/", StringComparison.Ordinal));

    private static IEnumerable<(string Words, string File)> Sources(string cell) => SourceLink().Matches(cell).Select(m => (m.Groups[2].Value, m.Groups[1].Value));

    [GeneratedRegex(@"\[([^\]]+)\]\(([^)]+\.cs)\)")]
    private static partial Regex Link();

    [GeneratedRegex("\\]\\(([^)]+\\.cs)\\):? \"?(\\(\\d+\\)|[^\"|;]+)\"?")]
    private static partial Regex SourceLink();
}
