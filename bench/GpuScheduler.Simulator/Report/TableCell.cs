namespace GpuScheduler.Simulator.Report;

/// <summary>A cell of a table.</summary>
/// <param name="Text">What it says.</param>
/// <param name="Detail">A second, quieter line, such as the range of the seeds; may be empty.</param>
/// <param name="Value">By what it is sorted and compared; null for a text or a missing figure.</param>
internal readonly record struct TableCell(string Text, string Detail = "", double? Value = null)
{
    /// <summary>A cell without a figure.</summary>
    public static TableCell Missing { get; } = new(Num.Missing);

    /// <summary>Mean and, where the seeds differ, their range.</summary>
    public static TableCell Of(Spread? spread, Func<double?, string> format) => spread is { } s
        ? new TableCell(format(s.Mean), s.Max > s.Min ? $"{format(s.Min)} – {format(s.Max)}" : "", s.Mean)
        : Missing;
}
