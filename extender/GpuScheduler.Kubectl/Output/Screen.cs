namespace GpuScheduler.Kubectl.Output;

/// <summary>The one way to the terminal: what is written there is made harmless first (<see cref="SafeText"/>).</summary>
internal sealed class Screen(TextWriter writer)
{
    /// <summary>Writes a line.</summary>
    public void Line(string text = "") => writer.Write(SafeText.Of(text.TrimEnd(' ')) + "\n");

    /// <summary>Writes a table: columns as wide as they need to be, as kubectl's are.</summary>
    /// <param name="indent">Blanks before each line.</param>
    /// <param name="headings">The headings.</param>
    /// <param name="rows">The rows.</param>
    public void Table(int indent, IReadOnlyList<string> headings, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<string[]> all = [[.. headings], .. rows.Select(r => r.Select(SafeText.Of).ToArray())];
        var widths = headings.Select((_, column) => all.Max(r => r[column].Length)).ToArray();
        foreach (var row in all)
        {
            Line(new string(' ', indent) + string.Join("   ", row.Select((cell, column) => cell.PadRight(widths[column]))));
        }
    }

    /// <summary>Writes text that was made for programs, as it is: its form lets nothing through that a terminal obeys.</summary>
    public void Raw(string text) => writer.Write(text);
}
