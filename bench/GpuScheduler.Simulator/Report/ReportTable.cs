namespace GpuScheduler.Simulator.Report;

/// <summary>A table of texts. A column whose cells all read as numbers (invariant culture) is aligned and sorted as numbers.</summary>
internal sealed record ReportTable
{
    /// <summary>Heading.</summary>
    public required string Title { get; init; }

    /// <summary>A sentence on what the table says; may be empty.</summary>
    public string Caption { get; init; } = "";

    /// <summary>Column headings.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>Cells by row. A row that is shorter than <see cref="Columns"/> is filled up with empty cells; a longer one is cut.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> Rows { get; init; }
}
