using System.Text.RegularExpressions;
using GpuScheduler.Testing.Documentation;
using Xunit;

namespace GpuScheduler.Extender.Tests.Documentation;

/// <summary>docs/annotations.md has every annotation, label, resource, taint and gate that the sources name, and none that they do not.</summary>
public sealed partial class AnnotationsPageTests
{
    /// <summary>Keys without a domain, which cannot be told from other texts: the files that hold them.</summary>
    private static readonly string[] s_filesWithPlainKeys = ["ShareDialects.cs", "GangDialects.cs"];

    private static readonly MarkdownPage s_page = MarkdownPage.Read("docs/annotations.md");
    private static readonly HashSet<string> s_keys = [.. Sources().SelectMany(KeysIn)];

    [Fact]
    public void Every_key_of_the_sources_is_on_the_page()
    {
        Assert.True(s_keys.Count > 120, $"{s_keys.Count} keys");
        Assert.Contains("gpuscheduler.io/assigned-devices", s_keys);
        Assert.Contains("gpuscheduler.io/mig-dynamic", s_keys);
        Assert.Contains("kueue.x-k8s.io/pod-group-name", s_keys);
        Assert.Contains("gpu-fraction", s_keys);
        var words = s_page.Words();
        var missing = s_keys.Where(k => !words.Contains(k)).Order(StringComparer.Ordinal).ToList();
        Assert.True(missing.Count == 0, $"docs/annotations.md does not say what these are, in backticks:\n{string.Join('\n', missing)}");
    }

    [Fact]
    public void Every_key_in_the_first_column_of_the_page_is_in_the_sources()
    {
        var unknown = s_page.Rows().SelectMany(r => Word().Matches(r[0]).Select(m => m.Groups[1].Value)).Where(w => !s_keys.Contains(w) && !w.EndsWith("PROFILE", StringComparison.Ordinal)).ToList();
        Assert.True(unknown.Count == 0, $"docs/annotations.md has keys that nothing reads or writes: {string.Join(", ", unknown)}");
    }

    [Fact]
    public void Every_key_of_ours_has_a_row_of_its_own()
    {
        var rows = s_page.Rows().Select(r => MarkdownPage.Word(r[0])).ToList();
        var missing = s_keys.Where(k => k.StartsWith("gpuscheduler.io/", StringComparison.Ordinal) && !rows.Contains(k)).ToList();
        Assert.True(missing.Count == 0, $"docs/annotations.md lacks rows that begin with {string.Join(", ", missing.Select(k => $"| `{k}` |"))}");
    }

    private static IEnumerable<string> Sources() =>
        new[] { "scheduler", "extender" }.SelectMany(f => Directory.GetFiles(Path.Combine(Repository.Root, f), "*.cs", SearchOption.AllDirectories)).Where(f => !f.Contains("/obj/", StringComparison.Ordinal));

    /// <summary>Literals of the form of a key, and those put together from a prefix that is a constant of the same file.</summary>
    private static IEnumerable<string> KeysIn(string file)
    {
        var text = string.Join('\n', File.ReadLines(file).Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal)));
        var prefixes = Constant().Matches(text).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value, StringComparer.Ordinal);
        var together = Together().Matches(text).Where(m => prefixes.ContainsKey(m.Groups[1].Value)).Select(m => prefixes[m.Groups[1].Value] + m.Groups[2].Value);
        var literal = Literal().Matches(text).Select(m => m.Groups[1].Value);
        var plain = !s_filesWithPlainKeys.Contains(Path.GetFileName(file)) ? []
            : PlainConstant().Matches(text).Select(m => m.Groups[1].Value).Concat(PlainField().Matches(text).Select(m => m.Groups[1].Value));
        return literal.Concat(together).Concat(plain).Where(k => !ApiVersion().IsMatch(k));
    }

    [GeneratedRegex("\"([a-z0-9-]+(?:\\.[a-z0-9-]+)+/[A-Za-z0-9._-]*[A-Za-z0-9])\"")]
    private static partial Regex Literal();

    [GeneratedRegex("const string (\\w+) = \"([^\"]+[/-])\"")]
    private static partial Regex Constant();

    [GeneratedRegex("\\b(\\w+) \\+ \"([a-z0-9][a-z0-9-]*)\"")]
    private static partial Regex Together();

    [GeneratedRegex("internal const string \\w+ = \"([A-Za-z_-]+)\"")]
    private static partial Regex PlainConstant();

    [GeneratedRegex("(?:Label|Annotation)\\(\"([^\"/]+)\"\\)")]
    private static partial Regex PlainField();

    [GeneratedRegex(@"\.io/v\d\w*$")]
    private static partial Regex ApiVersion();

    [GeneratedRegex("`([^`\\s]+)`")]
    private static partial Regex Word();
}
