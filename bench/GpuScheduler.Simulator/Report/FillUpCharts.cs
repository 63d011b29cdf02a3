namespace GpuScheduler.Simulator.Report;

/// <summary>Allocation and fragmentation over arrived load.</summary>
internal static class FillUpCharts
{
    private const string Load = "arrived load, % of the cluster's GPUs";

    /// <summary>Means this near each other (points of allocation) count as together.</summary>
    private const double Together = 0.5;

    /// <summary>How far below the best end of a line the detailed chart still reaches, in points: worse policies would flatten the rest.</summary>
    private const double DetailDepth = 6;

    /// <summary>The charts; empty without curves.</summary>
    public static Markup Render(ReportScenario scenario, IReadOnlyList<PolicyFigures> figures)
    {
        var m = new Markup();
        var runs = figures.Select(f => (f.Style, Curves: f.Policy.Runs.Select(r => r.Curve).Where(c => c.Count > 0).ToArray())).Where(f => f.Curves.Length > 0).ToArray();
        if (runs.Length == 0)
        {
            return m;
        }

        var seeds = runs.Max(r => r.Curves.Length);
        var of = seeds > 1 ? $"mean of {Num.Fixed(seeds, 0)} seeds, band from least to greatest" : "one seed";
        var allocation = Lines([.. runs.Select(r => (r.Style, r.Curves.Select(c => (IReadOnlyList<(double, double)>)[.. c.Select(p => (p.LoadPercent, p.AllocationPercent))]).ToArray()))]);
        if (Detail(scenario, allocation, of) is { } detail)
        {
            m.Add($"{detail.Render()}");
        }

        m.Add($"{Whole(scenario, allocation, of).Render()}");

        var measured = runs
            .Select(r => (r.Style, r.Curves.Select(c => (IReadOnlyList<(double, double)>)[.. c.Where(p => p.FragmentationPercent is not null).Select(p => (p.LoadPercent, p.FragmentationPercent!.Value))]).Where(c => c.Count > 0).ToArray()))
            .Where(r => r.Item2.Length > 0)
            .ToArray();
        if (measured.Length > 0)
        {
            var (grid, lines) = Lines(measured);
            m.Add($"{new LineChart
            {
                Title = "Fragmentation over arrived load",
                Caption = $"Share of the idle GPU capacity that the typical pods cannot use, in %; {of}",
                XTitle = Load,
                X = LoadAxis(grid, 0),
                Y = Axis.Linear(0, Values(lines, 0, grid).DefaultIfEmpty(0).Max(), 6, snap: true),
                Grid = grid,
                Lines = lines,
                PlaceLabel = PlaceLabel,
            }.Render()}");
        }

        return m;
    }

    private static (SeriesGrid Grid, Series[] Lines) Lines(IReadOnlyList<(PolicyStyle Style, IReadOnlyList<(double X, double Y)>[] Seeds)> policies)
    {
        var grid = SeriesGrid.Over(policies.SelectMany(p => p.Seeds));
        return (grid, [.. policies.Select(p => grid.Sum(p.Style, p.Seeds))]);
    }

    private static LineChart Whole(ReportScenario scenario, (SeriesGrid Grid, Series[] Lines) allocation, string of) => new()
    {
        Title = "Allocation over arrived load",
        Caption = $"Share of the cluster's GPUs that is allocated, in %; {of}",
        XTitle = Load,
        X = LoadAxis(allocation.Grid, 0),
        Y = Axis.Linear(0, Math.Max(Values(allocation.Lines, 0, allocation.Grid).DefaultIfEmpty(0).Max(), 100), 6, snap: true),
        Grid = allocation.Grid,
        Lines = allocation.Lines,
        PlaceLabel = PlaceLabel,
        Diagonal = true,
        Bounds = [.. scenario.Bounds.OrderBy(b => b.LoadPercent)],
    };

    /// <summary>The part where the policies differ, enlarged; null when they do not, or do from the start.</summary>
    private static LineChart? Detail(ReportScenario scenario, (SeriesGrid Grid, Series[] Lines) allocation, string of)
    {
        var (grid, lines) = allocation;
        var parting = Array.FindIndex(Enumerable.Range(0, grid.Places.Length).ToArray(), i =>
        {
            var here = lines.Select(l => l.Mean[i]).Where(double.IsFinite).ToArray();
            return here.Length > 1 && here.Max() - here.Min() > Together;
        });
        if (parting <= 0 || grid.Places.Length - parting < 2)
        {
            return null;
        }

        var ends = lines.Where(l => l.Last >= 0).Select(l => l.Mean[l.Last]).ToArray();
        var floor = ends.Where(e => e >= ends.Max() - DetailDepth).Min();
        var from = Math.Floor(Math.Max(grid.Places[parting], floor - DetailDepth) / 5) * 5;
        var bounds = scenario.Bounds.OrderBy(b => b.LoadPercent).ToArray();
        var top = Values(lines, from, grid).Concat(bounds.Select(b => b.AllocationPercent)).Where(double.IsFinite).Max();
        var cut = ends.Any(e => e < floor);
        return new LineChart
        {
            Title = "Allocation where the policies part",
            Caption = $"Share of the GPUs that is allocated, in %, from {Num.Load(from)} % load on{(cut ? "; lines marked ↓ end below the frame" : "")}; {of}",
            XTitle = Load,
            X = Axis.Linear(from, grid.Places[^1], 8, snap: false),
            Y = Axis.Linear(floor - ((top - floor) * 0.3), top, 9, snap: true),
            Grid = grid,
            Lines = lines,
            PlaceLabel = PlaceLabel,
            Diagonal = true,
            Bounds = bounds,
        };
    }

    private static Axis LoadAxis(SeriesGrid grid, double from) => Axis.Linear(Math.Min(from, grid.Places[0]), grid.Places[^1], 8, snap: false);

    private static IEnumerable<double> Values(IEnumerable<Series> lines, double from, SeriesGrid grid) =>
        lines.SelectMany(l => l.High.Where((_, i) => grid.Places[i] >= from)).Where(double.IsFinite);

    private static string PlaceLabel(double load) => Num.Load(load) + " %";
}
