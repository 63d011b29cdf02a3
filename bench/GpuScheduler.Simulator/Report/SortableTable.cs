using System.Globalization;

namespace GpuScheduler.Simulator.Report;

/// <summary>A table that the script makes sortable, sorted by one of its columns from the start.</summary>
internal static class SortableTable
{
    /// <summary>The table; columns in which no row has a figure are left out, and so is the table when it has no row.</summary>
    /// <param name="label">Name of the table for screen readers.</param>
    /// <param name="head">Heading of the first column.</param>
    /// <param name="rows">Rows, already in order.</param>
    /// <param name="name">First cell of a row.</param>
    /// <param name="isOwn">Whether a row is the engine's own policy.</param>
    /// <param name="columns">The other columns.</param>
    /// <param name="sorted">The column by which the rows are in ascending order; null for none.</param>
    /// <param name="foot">A last row that stays where it is when the others are sorted: its name and cells by column heading.</param>
    public static Markup Render<T>(
        string label, string head, IReadOnlyList<T> rows, Func<T, Markup> name, Func<T, bool> isOwn, IReadOnlyList<TableColumn<T>> columns,
        TableColumn<T>? sorted = null, (Markup Name, IReadOnlyDictionary<string, TableCell> Cells)? foot = null)
    {
        var m = new Markup();
        var shown = columns.Where(c => rows.Any(r => c.Cell(r) is var cell && (cell.Value is not null || cell.Text is not ("" or Num.Missing)))).ToArray();
        if (rows.Count == 0)
        {
            return m;
        }

        m.Add($"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\"><table class=\"sortable\"><thead><tr><th scope=\"col\"><button type=\"button\">{head}</button></th>");
        foreach (var column in shown)
        {
            m.Add($"<th scope=\"col\" class=\"n\" aria-sort=\"{(column == sorted ? "ascending" : "none")}\"><button type=\"button\" title=\"{column.Hint}\">{column.Head}</button></th>");
        }

        m.Add($"</tr></thead><tbody>\n");
        var best = shown.Select(c => c.Best == 0 || rows.Count < 2 ? null : rows.Select(r => c.Cell(r).Value * c.Best).Max() * c.Best).ToArray();
        foreach (var row in rows)
        {
            m.Add($"<tr class=\"{(isOwn(row) ? "own" : "")}\"><th scope=\"row\">{name(row)}</th>");
            for (var i = 0; i < shown.Length; i++)
            {
                var cell = shown[i].Cell(row);
                Cell(m, cell, best[i] is { } b && cell.Value == b);
            }

            m.Add($"</tr>\n");
        }

        m.Add($"</tbody>");
        if (foot is { } last)
        {
            m.Add($"<tfoot><tr><th scope=\"row\">{last.Name}</th>");
            foreach (var column in shown)
            {
                Cell(m, last.Cells.GetValueOrDefault(column.Head, new TableCell("")), isBest: false);
            }

            m.Add($"</tr></tfoot>");
        }

        m.Add($"</table></div>\n");
        return m;
    }

    private static void Cell(Markup m, TableCell cell, bool isBest)
    {
        m.Add($"<td class=\"{(isBest ? "n best" : "n")}\" data-sort=\"{cell.Value?.ToString("R", CultureInfo.InvariantCulture)}\">{cell.Text}");
        if (cell.Detail.Length > 0)
        {
            m.Add($"<small>{cell.Detail}</small>");
        }

        m.Add($"</td>");
    }
}
