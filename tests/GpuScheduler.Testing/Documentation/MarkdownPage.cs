using System.Text;
using System.Text.RegularExpressions;

namespace GpuScheduler.Testing.Documentation;

/// <summary>A page of the documentation, as tests compare it with the code.</summary>
public sealed partial class MarkdownPage
{
    private readonly string[] _lines;

    private MarkdownPage(string path, string[] lines)
    {
        Path = path;
        _lines = lines;
    }

    /// <summary>Where it is in the repository, with '/'.</summary>
    public string Path { get; }

    /// <summary>Its lines outside of code blocks; those inside are empty.</summary>
    public IReadOnlyList<string> Prose => _lines;

    /// <summary>Reads a page by its path in the repository.</summary>
    public static MarkdownPage Read(string path) => new(path, OutsideOfCode(File.ReadAllLines(System.IO.Path.Combine(Checkout.Root, path))));

    /// <summary>Every page of the repository, but for what builds leave behind.</summary>
    public static IEnumerable<MarkdownPage> All() =>
        Directory.EnumerateFiles(Checkout.Root, "*.md", SearchOption.AllDirectories)
            .Select(file => System.IO.Path.GetRelativePath(Checkout.Root, file).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "artifacts" or "bin" or "obj" or "shared" or "node_modules" || (part.Length > 1 && part[0] == '.')))
            .Order(StringComparer.Ordinal)
            .Select(Read);

    /// <summary>The rows of all tables below a heading, up to the next heading of the same rank or a higher one, as trimmed cells without their heads.</summary>
    /// <param name="heading">The heading's text; null for the whole page.</param>
    public IReadOnlyList<string[]> Rows(string? heading = null)
    {
        var lines = heading is null ? _lines : Below(heading);
        var rows = new List<string[]>();
        for (var i = 0; i < lines.Length; i++)
        {
            // The line below the head of a table shows that it is one.
            var isHead = i + 1 < lines.Length && Separator().IsMatch(lines[i + 1]);
            if (lines[i].StartsWith('|') && !isHead && !Separator().IsMatch(lines[i]))
            {
                rows.Add([.. CellEnd().Split(lines[i].Trim().Trim('|')).Select(c => c.Trim().Replace("\\|", "|", StringComparison.Ordinal))]);
            }
        }

        return rows;
    }

    /// <summary>What links may name after '#': the headings, as GitHub makes anchors of them.</summary>
    public IReadOnlySet<string> Anchors()
    {
        var anchors = new HashSet<string>(StringComparer.Ordinal);
        foreach (var heading in _lines.Select(l => Heading().Match(l)).Where(m => m.Success))
        {
            var text = new StringBuilder();
            foreach (var c in LinkText().Replace(heading.Groups[2].Value, "$1").Trim().ToLowerInvariant())
            {
                text.Append(char.IsLetterOrDigit(c) || c is '-' or '_' ? c : c == ' ' ? '-' : null);
            }

            var anchor = text.ToString();
            for (var n = 1; !anchors.Add(anchor); n++)
            {
                anchor = FormattableString.Invariant($"{text}-{n}");
            }
        }

        return anchors;
    }

    /// <summary>Everything that it links to, pictures too.</summary>
    public IEnumerable<string> Links() =>
        _lines.Select(l => InlineCode().Replace(l, "")).SelectMany(l => Link().Matches(l).Select(m => m.Groups[1].Value).Concat(Definition().Matches(l).Select(m => m.Groups[1].Value)));

    /// <summary>The words in backticks.</summary>
    public IReadOnlySet<string> Words() => _lines.SelectMany(l => InlineCode().Matches(l)).Select(m => m.Value.Trim('`').Trim()).ToHashSet(StringComparer.Ordinal);

    /// <summary>The first word in backticks of a cell; null when there is none.</summary>
    public static string? Word(string cell) => InlineCode().Match(cell) is { Success: true } word ? word.Value.Trim('`').Trim() : null;

    private string[] Below(string heading)
    {
        var start = Array.FindIndex(_lines, l => Heading().Match(l) is { Success: true } m && m.Groups[2].Value == heading);
        if (start < 0)
        {
            throw new InvalidOperationException($"{Path} has no heading \"{heading}\"");
        }

        var rank = Heading().Match(_lines[start]).Groups[1].Length;
        var end = Array.FindIndex(_lines, start + 1, l => Heading().Match(l) is { Success: true } m && m.Groups[1].Length <= rank);
        return _lines[(start + 1)..(end < 0 ? _lines.Length : end)];
    }

    private static string[] OutsideOfCode(string[] lines)
    {
        string? fence = null;
        for (var i = 0; i < lines.Length; i++)
        {
            var mark = Fence().Match(lines[i]).Groups[1].Value;
            if (fence is not null)
            {
                fence = mark == fence ? null : fence;
                lines[i] = "";
            }
            else if (mark.Length > 0)
            {
                fence = mark;
                lines[i] = "";
            }
        }

        return lines;
    }

    [GeneratedRegex(@"^\s*(```|~~~)")]
    private static partial Regex Fence();

    [GeneratedRegex(@"^(#{1,6}) (.+?)\s*$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\|[\s:|-]+\|$")]
    private static partial Regex Separator();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex CellEnd();

    [GeneratedRegex("`[^`]+`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"!?\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkText();

    [GeneratedRegex(@"\]\(\s*<?([^\s)>]+)>?(?:\s+""[^""]*"")?\s*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\[[^\]]+\]:\s*(\S+)")]
    private static partial Regex Definition();
}
