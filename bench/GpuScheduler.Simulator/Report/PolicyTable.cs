namespace GpuScheduler.Simulator.Report;

/// <summary>The policies of one scenario side by side.</summary>
internal static class PolicyTable
{
    /// <summary>The table, least idle GPUs (or shortest waits) first.</summary>
    public static Markup Render(ReportModel model, ReportScenario scenario, IReadOnlyList<PolicyFigures> figures)
    {
        var end = Num.Load(scenario.EndLoadPercent);
        var loads = figures.SelectMany(f => f.Waits.Keys).Distinct().Order().ToArray();
        var columns = new List<TableColumn<PolicyFigures>>
        {
            new("Idle GPUs", $"GPUs idle when {end} % had arrived, shares of cards included: mean and range of the seeds", f => TableCell.Of(f.IdleGpus, v => Num.Fixed(v, 1)), Best: -1),
            new(RatioHead(model, figures), "Idle GPUs for each that the better of these policies leaves idle", f => Ratio(f.IdleRatio), Best: -1),
            new($"Allocated @{end}", $"% of the GPUs when {end} % had arrived", f => TableCell.Of(f.AllocationAtEnd, v => Num.Fixed(v, 2)), Best: 1),
        };
        if (scenario.EndLoadPercent != 100)
        {
            columns.Add(new("Allocated @100", "% of the GPUs when 100 % had arrived", f => TableCell.Of(f.AllocationAt100, v => Num.Fixed(v, 2)), Best: 1));
        }

        if (loads.Length > 0)
        {
            var load = loads[^1];
            columns.Add(new($"p95 wait @{Num.Load(load)}", $"95 % of the pods start within, at {Num.Load(load)} % load", f => Wait(f, load, 0.95), Best: -1));
            columns.Add(new($"Median wait @{Num.Load(load)}", $"Half of the pods start within, at {Num.Load(load)} % load", f => Wait(f, load, 0.5), Best: -1));
            columns.Add(new($"Never started @{Num.Load(load)}", "Pods still waiting at the end, all seeds together", f => f.Waits.TryGetValue(load, out var w) ? new(Num.Fixed(w.NeverStarted, 0), "", w.NeverStarted) : TableCell.Missing, Best: -1));
        }

        columns.Add(new("Failed pods", "Pods that found no node", f => TableCell.Of(f.FailedPods, v => Num.Fixed(v, 0))));
        columns.Add(new("Seconds", "Elapsed time of a run", f => TableCell.Of(f.WallSeconds, v => Num.Fixed(v, 2))));
        columns.Add(new("Peak MiB", "Peak memory of the process", f => TableCell.Of(f.PeakMemoryMiB, v => Num.Fixed(v, 0))));
        columns.Add(new("Seeds", "Runs behind the row", f => Math.Max(f.Policy.Runs.Count, f.Policy.TimedRuns.Select(r => r.Seed).Distinct().Count()) is var n ? new(Num.Fixed(n, 0), "", n) : TableCell.Missing));

        var sorted = columns.Find(c => c.Best < 0 && figures.Any(f => c.Cell(f).Value is not null));
        var rows = sorted is null ? figures : [.. figures.OrderBy(f => sorted.Cell(f).Value ?? double.PositiveInfinity)];
        return SortableTable.Render($"Policies on {scenario.Name}", "Policy", rows, Name, f => f.Style.Own, columns, sorted, Bound(scenario));
    }

    /// <summary>Heading of the ratios, which names the policies that are compared with.</summary>
    public static string RatioHead(ReportModel model, IEnumerable<PolicyFigures> figures)
    {
        var names = figures.Where(f => model.Baselines.Contains(f.Policy.Id)).Select(f => f.Style.Name).Distinct().ToArray();
        return names.Length == 1 ? $"vs {names[0]}" : $"vs better of {string.Join(", ", names)}";
    }

    /// <summary>A ratio of idle GPUs.</summary>
    public static TableCell Ratio(double? ratio) => ratio is { } r ? new TableCell("× " + Num.Fixed(r, 3), "", r) : TableCell.Missing;

    /// <summary>The wait that a share of the pods does not exceed. Pods that never start sort behind all others.</summary>
    public static TableCell Wait(PolicyFigures figures, double load, double share) => !figures.Waits.TryGetValue(load, out var waits) || waits.Started + waits.NeverStarted == 0
        ? TableCell.Missing
        : waits.At(share) is { } seconds ? new TableCell(Num.Duration(seconds), "", seconds) : new TableCell("not started", "", double.MaxValue);

    /// <summary>A policy's name behind its line's sign.</summary>
    public static Markup Name(PolicyFigures figures) => Name(figures.Style);

    /// <inheritdoc cref="Name(PolicyFigures)"/>
    public static Markup Name(PolicyStyle style)
    {
        var m = new Markup();
        m.Add($"{LineChart.Key(style)}{style.Name}");
        return m;
    }

    private static (Markup, IReadOnlyDictionary<string, TableCell>)? Bound(ReportScenario scenario)
    {
        if (scenario.Bounds.Count == 0)
        {
            return null;
        }

        var name = new Markup();
        name.Add($"Upper bound");
        var cells = new Dictionary<string, TableCell>(StringComparer.Ordinal);
        foreach (var bound in scenario.Bounds)
        {
            cells[$"Allocated @{Num.Load(bound.LoadPercent)}"] = new TableCell(Num.Fixed(bound.AllocationPercent, 2));
        }

        if (IdleAtBound(scenario) is { } idle)
        {
            cells["Idle GPUs"] = new TableCell(Num.Fixed(idle, 1));
        }

        return (name, cells);
    }

    /// <summary>GPUs that are idle at the end by the upper bound; null without a bound there.</summary>
    public static double? IdleAtBound(ReportScenario scenario)
    {
        var bounds = scenario.Bounds.Where(b => b.LoadPercent == scenario.EndLoadPercent && double.IsFinite(b.AllocationPercent)).ToArray();
        return bounds.Length == 0 || scenario.Gpus == 0 ? null : scenario.Gpus * (1 - (bounds.Min(b => b.AllocationPercent) / 100));
    }
}
