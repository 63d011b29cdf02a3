using System.Globalization;

namespace GpuScheduler.Simulator.Report;

/// <summary>The model's tables of texts.</summary>
internal static class PlainTables
{
    /// <summary>A table under its heading.</summary>
    public static Markup Render(ReportTable table)
    {
        var m = new Markup();
        m.Add($"<h3>{table.Title}</h3><p>{table.Caption}</p>\n");
        if (table.Columns.Count == 0)
        {
            return m;
        }

        var columns = Enumerable.Range(1, table.Columns.Count - 1).Select(c =>
        {
            var numbers = table.Rows.All(r => Text(r, c).Length == 0 || Number(Text(r, c)) is not null);
            return new TableColumn<IReadOnlyList<string>>(table.Columns[c], "", r => new TableCell(Text(r, c), "", numbers ? Number(Text(r, c)) : null));
        }).ToArray();
        m.Add($"{SortableTable.Render(table.Title, table.Columns[0], table.Rows, Name, _ => false, columns)}");
        return m;

        static Markup Name(IReadOnlyList<string> row)
        {
            var name = new Markup();
            name.Add($"{Text(row, 0)}");
            return name;
        }
    }

    private static string Text(IReadOnlyList<string> row, int column) => column < row.Count ? row[column] : "";

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float | NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null;
}
