namespace GpuScheduler.Simulator.Report;

/// <summary>Waiting times and allocation over time, for timed runs.</summary>
internal static class WaitingCharts
{
    private const int Places = 120;

    /// <summary>Table and charts; empty without timed runs.</summary>
    public static Markup Render(IReadOnlyList<PolicyFigures> figures)
    {
        var m = new Markup();
        var loads = figures.SelectMany(f => f.Waits.Keys).Distinct().OrderDescending().ToArray();
        if (loads.Length == 0)
        {
            return m;
        }

        m.Add($"<h3>Waiting times</h3>\n");
        foreach (var load in loads)
        {
            m.Add($"<details class=\"load\"{(load == loads[0] ? " open" : "")}><summary><h4>At {Num.Load(load)} % load</h4></summary>\n{Table(figures, load)}<div class=\"charts\">\n");
            if (Distribution(figures, load) is { } distribution)
            {
                m.Add($"{distribution.Render()}");
            }

            if (OverTime(figures, load) is { } overTime)
            {
                m.Add($"{overTime.Render()}");
            }

            m.Add($"</div></details>\n");
        }

        return m;
    }

    private static Markup Table(IReadOnlyList<PolicyFigures> figures, double load)
    {
        var p95 = Quantile("p95", 0.95);
        TableColumn<PolicyFigures>[] columns =
        [
            Quantile("Median", 0.5),
            Quantile("p90", 0.9),
            p95,
            Quantile("p99", 0.99),
            new("Longest", "Of those that started", f => Seconds(f.Waits[load].Longest)),
            new("Mean", "Of those that started", f => Seconds(f.Waits[load].Mean)),
            new("Never started", "Still waiting at the end, all seeds together", f => Number(f.Waits[load].NeverStarted)),
            new("Pods", "Pods or gangs that arrived, all seeds together", f => Number(f.Waits[load].Started + f.Waits[load].NeverStarted)),
        ];
        PolicyFigures[] rows = [.. figures.Where(f => f.Waits.ContainsKey(load)).OrderBy(f => p95.Cell(f).Value ?? double.PositiveInfinity)];
        return SortableTable.Render($"Waiting times at {Num.Load(load)} % load", "Policy", rows, PolicyTable.Name, f => f.Style.Own, columns, p95);

        TableColumn<PolicyFigures> Quantile(string head, double share) =>
            new(head, $"{Num.Load(share * 100)} % of the pods start within", f => PolicyTable.Wait(f, load, share), Best: -1);

        static TableCell Seconds(double? seconds) => seconds is { } s ? new(Num.Duration(s), "", s) : TableCell.Missing;

        static TableCell Number(long number) => new(Num.Fixed(number, 0), "", number);
    }

    private static LineChart? Distribution(IReadOnlyList<PolicyFigures> figures, double load)
    {
        var policies = figures
            .Select(f => (f.Style, Runs: f.Policy.TimedRuns.Where(r => r.LoadPercent == load && r.WaitSeconds.Count + r.NeverStarted > 0).Select(r => new WaitQuantiles([r])).ToArray()))
            .Where(p => p.Runs.Length > 0)
            .ToArray();
        if (policies.Length == 0)
        {
            return null;
        }

        var x = Axis.LogDuration(policies.SelectMany(p => p.Runs).Max(r => r.Longest ?? 0));
        var grid = SeriesGrid.At([.. Enumerable.Range(0, Places + 1).Select(i => Math.Pow(x.Max, (double)i / Places))]);
        var lines = policies
            .Select(p => grid.Sum(p.Style, [.. p.Runs.Select(r => (IReadOnlyList<(double, double)>)[.. grid.Places.Select(s => (s, r.StartedWithin(s)))])]))
            .ToArray();
        var least = lines.SelectMany(l => l.Low).Where(double.IsFinite).DefaultIfEmpty(0).Min();
        return new LineChart
        {
            Title = "Waiting times",
            Caption = "Share of the pods that started within a time, in %; higher is better",
            XTitle = "wait from arrival to start",
            X = x,
            Y = Axis.Linear(Math.Min(least, 90), 100, 6, snap: true),
            Grid = grid,
            Lines = lines,
            PlaceLabel = s => "within " + Num.Duration(s),
        };
    }

    private static LineChart? OverTime(IReadOnlyList<PolicyFigures> figures, double load)
    {
        var policies = figures
            .Select(f => (f.Style, Runs: f.Policy.TimedRuns.Where(r => r.LoadPercent == load && r.Allocation.Count > 0)
                .Select(r => (IReadOnlyList<(double X, double Y)>)[.. r.Allocation.Select(p => (p.Seconds, p.AllocationPercent))]).ToArray()))
            .Where(p => p.Runs.Length > 0)
            .ToArray();
        if (policies.Length == 0)
        {
            return null;
        }

        var grid = SeriesGrid.Over(policies.SelectMany(p => p.Runs));
        var lines = policies.Select(p => grid.Sum(p.Style, p.Runs)).ToArray();
        return new LineChart
        {
            Title = "Allocation over time",
            Caption = "Share of the cluster's GPUs that is allocated, in %",
            XTitle = "simulated time",
            X = Axis.Time(grid.Places[^1], 7),
            Y = Axis.Linear(0, Math.Max(100, lines.SelectMany(l => l.High).Where(double.IsFinite).DefaultIfEmpty(0).Max()), 6, snap: true),
            Grid = grid,
            Lines = lines,
            PlaceLabel = s => Num.Duration(s),
        };
    }
}
