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

        m.Add($"<h3>Waiting times</h3>\n{Table(figures, loads)}<div class=\"charts\">\n");
        foreach (var load in loads)
        {
            if (Distribution(figures, load) is { } distribution)
            {
                m.Add($"{distribution.Render()}");
            }

            if (OverTime(figures, load) is { } overTime)
            {
                m.Add($"{overTime.Render()}");
            }
        }

        m.Add($"</div>\n");
        return m;
    }

    private static Markup Table(IReadOnlyList<PolicyFigures> figures, double[] loads)
    {
        var rows = loads.SelectMany(load => figures.Where(f => f.Waits.ContainsKey(load)).Select(f => (Figures: f, Load: load))).ToArray();
        var columns = new List<TableColumn<(PolicyFigures Figures, double Load)>>
        {
            new("Load %", "Offered load in % of the cluster's GPUs", r => new(Num.Load(r.Load), "", r.Load)),
            new("Pods", "Pods or gangs that arrived, all seeds together", r => r.Figures.Waits[r.Load] is var w ? new(Num.Fixed(w.Started + w.NeverStarted, 0), "", w.Started + w.NeverStarted) : default),
            Quantile("Median", 0.5),
            Quantile("p90", 0.9),
            Quantile("p95", 0.95),
            Quantile("p99", 0.99),
            new("Longest", "Of those that started", r => Seconds(r.Figures.Waits[r.Load].Longest)),
            new("Mean", "Of those that started", r => Seconds(r.Figures.Waits[r.Load].Mean)),
            new("Never started", "Still waiting at the end", r => r.Figures.Waits[r.Load].NeverStarted is var n ? new(Num.Fixed(n, 0), "", n) : default),
        };
        return SortableTable.Render("Waiting times", "Policy", rows, r => PolicyTable.Name(r.Figures), r => r.Figures.Style.Own, columns);

        static TableColumn<(PolicyFigures Figures, double Load)> Quantile(string head, double share) =>
            new(head, $"{Num.Load(share * 100)} % of the pods start within", r => PolicyTable.Wait(r.Figures, r.Load, share));

        static TableCell Seconds(double? seconds) => seconds is { } s ? new(Num.Duration(s), "", s) : TableCell.Missing;
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
            Title = $"Waiting times at {Num.Load(load)} % load",
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
            Title = $"Allocation over time at {Num.Load(load)} % load",
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
