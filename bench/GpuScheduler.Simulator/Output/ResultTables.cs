using System.Globalization;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Report;
using GpuScheduler.Simulator.Runs;
using Spectre.Console;
using Markup = Spectre.Console.Markup;

namespace GpuScheduler.Simulator.Output;

/// <summary>Results as tables in a terminal.</summary>
internal static class ResultTables
{
    private const int BarWidth = 24;

    /// <summary>Characters from which on there is room for the bars, and for the columns after them.</summary>
    private const int WidthWithBar = 160;

    private const int WidthWithRest = 110;

    /// <summary>Allocation and idle GPUs of fill-up runs, a row a policy.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="withRatio">Compare the idle GPUs with those of the better of FGD and FirstFit.</param>
    /// <param name="width">Characters that there is room for: what matters least is left out where it is narrow.</param>
    public static Table Fill(IReadOnlyList<ComparisonRow> rows, bool withRatio, int width)
    {
        var (withBar, withRest) = (width >= WidthWithBar, width >= WidthWithRest);
        var table = NewTable("trace", "policy");
        Right(table, "allocated\n@100 %", "allocated\n@130 %", "idle GPUs\n@130 %");
        if (withRatio)
        {
            Right(table, "× better of FGD,\nFirstFit @100 %", "\n@130 %");
        }

        if (withBar)
        {
            table.AddColumn("");
        }

        if (withRest)
        {
            Right(table, "useless to\ntypical pods", "failed\npods", "s a\nrun");
        }

        var mostIdle = rows.Select(r => r.IdleAt130.Mean).Where(double.IsFinite).DefaultIfEmpty(1).Max();
        foreach (var group in rows.GroupBy(r => r.Trace))
        {
            var best = group.Select(r => r.IdleAt130.Mean).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Min();
            foreach (var row in group)
            {
                var cells = new List<string>
                {
                    row == group.First() ? Markup.Escape(row.Trace) : "",
                    Policy(row.Policy),
                    Figure(row.At100, "0.00"),
                    Figure(row.At130, "0.00"),
                    row.IdleAt130.Mean == best ? $"[bold]{Figure(row.IdleAt130, "0.0")}[/]" : Figure(row.IdleAt130, "0.0"),
                };
                if (withRatio)
                {
                    cells.Add(Ratio(ComparisonRow.IdleRatio(row, rows, r => r.IdleAt100)));
                    cells.Add(Ratio(ComparisonRow.IdleRatio(row, rows, r => r.IdleAt130)));
                }

                if (withBar)
                {
                    cells.Add(Bar(row.IdleAt130.Mean / mostIdle));
                }

                if (withRest)
                {
                    cells.Add(double.IsFinite(row.FragmentRatioAt130.Mean) ? Text(row.FragmentRatioAt130.Mean, "0.0") + " %" : "–");
                    cells.Add(Figure(row.Failed, "0"));
                    cells.Add(Text(row.WallSeconds.Mean, "0.00"));
                }

                table.AddRow([.. cells]);
            }

            if (group.First() is { BoundAt130.Count: > 0 } or { BoundAt100.Count: > 0 })
            {
                var row = group.First();
                string[] cells = ["", "[italic]upper bound[/]", Figure(row.BoundAt100, "0.00"), Figure(row.BoundAt130, "0.00"), Figure(row.BoundIdleAt130, "0.0")];
                table.AddRow([.. cells, .. Enumerable.Repeat("", table.Columns.Count - cells.Length)]);
            }
        }

        return table;
    }

    /// <summary>On what cards the idle GPUs of fill-up runs lie at the end, means over seeds.</summary>
    public static Table Idle(IReadOnlyList<ComparisonRow> rows)
    {
        var table = NewTable("trace", "policy");
        Right(table, [.. IdleByRemainder.Classes]);
        table.Title = new TableTitle("idle GPUs at the end, by what is left on the card (milli-GPU)");
        foreach (var group in rows.Where(r => r.Runs.All(run => run.Fill is not null)).GroupBy(r => r.Trace))
        {
            foreach (var row in group)
            {
                var idle = row.Runs.Select(r => IdleByRemainder.Of(r.Fill!.FreeCards).Gpus).ToList();
                table.AddRow([row == group.First() ? Markup.Escape(row.Trace) : "", Policy(row.Policy), .. IdleByRemainder.Classes.Select((_, i) => Text(idle.Average(g => g[i]), "0.0"))]);
            }
        }

        return table;
    }

    /// <summary>Allocation and waiting times of timed runs, a row a load and policy.</summary>
    public static Table Timed(IReadOnlyList<ComparisonRow> rows)
    {
        var table = NewTable("trace");
        Right(table, "load %");
        table.AddColumn("policy");
        Right(table, "mean\nallocation %", "wait:\nmean", "\nmedian", "\n95 %", "waiting\nat the end", "never\nstarted", "s a\nrun");
        foreach (var group in rows.GroupBy(r => (r.Trace, r.Load)))
        {
            foreach (var row in group)
            {
                var first = row == group.First();
                table.AddRow(
                    first ? Markup.Escape(row.Trace) : "",
                    first ? Text(row.Runs.Average(r => r.Timed!.OfferedPercent), "0.#") : "",
                    Policy(row.Policy),
                    Figure(row.MeanAllocation, "0.00"),
                    Duration(row.MeanWait.Mean),
                    Duration(row.Wait(0.5).Mean),
                    Duration(row.Wait(0.95).Mean),
                    Figure(row.Waiting, "0.#"),
                    Figure(row.Failed, "0.#"),
                    Text(row.WallSeconds.Mean, "0.00"));
            }
        }

        return table;
    }

    /// <summary>How gangs fared in timed runs, a row a load and policy; null when there were none.</summary>
    public static Table? Gangs(IReadOnlyList<ComparisonRow> rows)
    {
        var withGangs = rows.Where(r => r.Runs.Any(run => run.Timed?.Gangs is not null)).ToList();
        if (withGangs.Count == 0)
        {
            return null;
        }

        var table = NewTable("trace");
        Right(table, "load %");
        table.AddColumn("policy");
        Right(table, "gangs", "wait:\nmean", "\nmedian", "\n95 %", "never\nstarted", "racks\na gang", "nodes\na gang");
        table.Title = new TableTitle("gangs: jobs of several pods");
        foreach (var group in withGangs.GroupBy(r => (r.Trace, r.Load)))
        {
            foreach (var row in group)
            {
                var first = row == group.First();
                table.AddRow(
                    first ? Markup.Escape(row.Trace) : "",
                    first ? Text(row.Runs.Average(r => r.Timed!.OfferedPercent), "0.#") : "",
                    Policy(row.Policy),
                    Text(row.Runs.Average(r => r.Timed?.Gangs?.Waits.Arrived ?? 0), "0.#"),
                    Duration(row.GangWait.Mean),
                    Duration(row.GangWaitAt(0.5).Mean),
                    Duration(row.GangWaitAt(0.95).Mean),
                    Figure(row.GangsFailed, "0.#"),
                    Figure(row.GangRacks, "0.00"),
                    Figure(row.GangNodes, "0.00"));
            }
        }

        return table;
    }

    /// <summary>A duration, or what stands for one that has no end.</summary>
    public static string Duration(double milliseconds) => double.IsFinite(milliseconds) ? Spans.Show(milliseconds) : "for ever";

    /// <summary>A table of the house's form.</summary>
    public static Table NewTable(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Simple, ShowRowSeparators = false };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)).NoWrap());
        }

        return table;
    }

    /// <summary>Adds columns of numbers.</summary>
    public static void Right(Table table, params string[] columns)
    {
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)).RightAligned().NoWrap());
        }
    }

    /// <summary>A policy's name; ours stands out.</summary>
    public static string Policy(string policy) => policy == PolicyNames.Own ? $"[bold green]{Markup.Escape(PolicyNames.Of(policy))}[/]" : Markup.Escape(PolicyNames.Of(policy));

    /// <summary>Mean and, of several, deviation.</summary>
    public static string Figure(MeanAndDeviation figure, string format) =>
        figure.Count == 0 || !double.IsFinite(figure.Mean) ? "–"
        : figure.Count == 1 ? Text(figure.Mean, format)
        : $"{Text(figure.Mean, format)} ± {Text(figure.Deviation, format)}";

    private static string Ratio(double? ratio) => ratio is { } value ? Text(value, "0.00") : "–";

    private static string Bar(double part) => double.IsFinite(part) ? $"[grey]{new string('■', Math.Clamp((int)Math.Round(part * BarWidth), 0, BarWidth))}[/]" : "";

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
