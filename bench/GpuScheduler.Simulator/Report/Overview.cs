namespace GpuScheduler.Simulator.Report;

/// <summary>What a planner wants to know first: which policy leaves the fewest GPUs idle, how many, and how far that is from the possible.</summary>
internal static class Overview
{
    /// <summary>The section.</summary>
    public static Markup Render(ReportModel model, IReadOnlyList<(ReportScenario Scenario, IReadOnlyList<PolicyFigures> Figures)> scenarios)
    {
        var m = new Markup();
        m.Add($"<section id=\"result\"><h2>Result</h2>\n");
        if (scenarios.All(s => s.Figures.Count == 0))
        {
            m.Add($"<p>No run is in this report.</p></section>\n");
            return m;
        }

        var tiles = Tiles(model, scenarios);
        if (tiles.Count > 0)
        {
            m.Add($"<dl class=\"tiles\">");
            foreach (var (name, value, detail) in tiles)
            {
                m.Add($"<div><dt>{name}</dt><dd>{value}</dd><dd class=\"quiet\">{detail}</dd></div>");
            }

            m.Add($"</dl>\n");
        }

        m.Add($"{(scenarios.Count == 1 ? PolicyTable.Render(model, scenarios[0].Scenario, scenarios[0].Figures) : Means(model, scenarios))}");
        if (scenarios.Count > 1)
        {
            m.Add($"{Matrix(scenarios, "Idle GPUs by scenario", f => f.IdleGpus?.Mean, v => Num.Fixed(v, 1), f => f.IdleRatio is { } r ? "× " + Num.Fixed(r, 2) : "")}");
            m.Add($"{Matrix(scenarios, "95 % of the pods start within, at the highest load", Slowest, v => v == double.MaxValue ? "not started" : Num.Duration(v), _ => "")}");
        }

        if (model.Notes.Count > 0)
        {
            m.Add($"<h3>Notes</h3><ul class=\"notes\">");
            foreach (var note in model.Notes)
            {
                m.Add($"<li>{note}</li>");
            }

            m.Add($"</ul>\n");
        }

        m.Add($"</section>\n");
        return m;
    }

    private static double? Slowest(PolicyFigures figures) =>
        figures.Waits.Count == 0 ? null : PolicyTable.Wait(figures, figures.Waits.Keys.Max(), 0.95).Value;

    private static List<(string Name, string Value, string Detail)> Tiles(ReportModel model, IReadOnlyList<(ReportScenario Scenario, IReadOnlyList<PolicyFigures> Figures)> scenarios)
    {
        var tiles = new List<(string, string, string)>();
        if (scenarios.Count == 1)
        {
            FillUp(tiles, model, scenarios[0].Scenario, scenarios[0].Figures);
            Timed(tiles, scenarios[0].Figures);
        }
        else if (Ranking(scenarios) is { Count: > 0 } ranking)
        {
            var (best, ratio) = ranking[0];
            var wins = scenarios.Count(s => s.Figures.Where(f => f.IdleGpus is not null).MinBy(f => f.IdleGpus!.Value.Mean)?.Policy.Id == best);
            tiles.Add(("Fewest GPUs idle", Style(best).Name, $"first on {Num.Fixed(wins, 0)} of {Num.Fixed(scenarios.Count, 0)} scenarios"));
            tiles.Add((PolicyTable.RatioHead(model, scenarios.SelectMany(s => s.Figures)), "× " + Num.Fixed(ratio, 2), "GPUs idle at the end, mean of the scenarios"));
            var worst = scenarios.Select(s => (s.Scenario.Name, Ratio: s.Figures.FirstOrDefault(f => f.Policy.Id == best)?.IdleRatio)).MaxBy(s => s.Ratio);
            tiles.Add(("Worst scenario", "× " + Num.Fixed(worst.Ratio, 2), worst.Name));
        }

        return tiles;

        PolicyStyle Style(string id) => scenarios.SelectMany(s => s.Figures).First(f => f.Policy.Id == id).Style;
    }

    private static void FillUp(List<(string Name, string Value, string Detail)> tiles, ReportModel model, ReportScenario scenario, IReadOnlyList<PolicyFigures> figures)
    {
        var ranked = figures.Where(f => f.IdleGpus is not null).OrderBy(f => f.IdleGpus!.Value.Mean).ToArray();
        if (ranked.Length == 0)
        {
            return;
        }

        var best = ranked[0];
        var idle = best.IdleGpus!.Value;
        var own = Array.FindIndex(ranked, f => f.Style.Own);
        tiles.Add(("Fewest GPUs idle", best.Style.Name, own > 0 ? $"{ranked[own].Style.Name} is number {Num.Fixed(own + 1, 0)} of {Num.Fixed(ranked.Length, 0)}" : $"of {Num.Fixed(ranked.Length, 0)} {(ranked.Length == 1 ? "policy" : "policies")}"));
        tiles.Add(($"Idle at {Num.Load(scenario.EndLoadPercent)} % load", Num.Fixed(idle.Mean, 1) + " GPUs", (scenario.Gpus > 0 ? $"of {Num.Fixed(scenario.Gpus, 0)}" : "") + (idle.Max > idle.Min ? $"; seeds {Num.Fixed(idle.Min, 1)} – {Num.Fixed(idle.Max, 1)}" : "")));
        if (best.IdleRatio is { } ratio && PolicyFigures.Baseline(model, figures) is { } baseline && baseline != best)
        {
            tiles.Add(("Compared with " + baseline.Style.Name, "× " + Num.Fixed(ratio, 2), $"{baseline.Style.Name} leaves {Num.Fixed(baseline.IdleGpus!.Value.Mean, 1)} idle"));
        }

        if (PolicyTable.IdleAtBound(scenario) is { } least)
        {
            tiles.Add(("More than at the bound", Num.Fixed(idle.Mean - least, 1) + " GPUs", $"{Num.Fixed(least, 1)} are idle at the upper bound on the allocation"));
        }
    }

    private static void Timed(List<(string Name, string Value, string Detail)> tiles, IReadOnlyList<PolicyFigures> figures)
    {
        if (figures.SelectMany(f => f.Waits.Keys).DefaultIfEmpty(double.NaN).Max() is var load && !double.IsNaN(load)
            && figures.Where(f => PolicyTable.Wait(f, load, 0.95).Value is not null).MinBy(f => PolicyTable.Wait(f, load, 0.95).Value) is { } best)
        {
            var waits = best.Waits[load];
            var never = waits.NeverStarted > 0 ? $"; {Num.Fixed(waits.NeverStarted, 0)} never started" : "";
            tiles.Add(($"Shortest waits at {Num.Load(load)} % load", best.Style.Name, Within(waits, 95) + ", " + Within(waits, 50) + never));
        }
    }

    private static string Within(WaitQuantiles waits, int percent) => waits.At(percent / 100.0) is { } seconds
        ? $"{Num.Fixed(percent, 0)} % start within {Num.Duration(seconds)}"
        : $"fewer than {Num.Fixed(percent, 0)} % started";

    /// <summary>Policies by their mean ratio of idle GPUs, best first; those that are not in every scenario are left out.</summary>
    private static List<(string Id, double Ratio)> Ranking(IReadOnlyList<(ReportScenario Scenario, IReadOnlyList<PolicyFigures> Figures)> scenarios) =>
    [
        .. scenarios.SelectMany(s => s.Figures)
            .Where(f => f.IdleRatio is not null)
            .GroupBy(f => f.Policy.Id)
            .Where(g => g.Count() == scenarios.Count(s => s.Figures.Any(f => f.IdleRatio is not null)))
            .Select(g => (g.Key, g.Average(f => f.IdleRatio!.Value)))
            .OrderBy(r => r.Item2),
    ];

    private static Markup Means(ReportModel model, IReadOnlyList<(ReportScenario Scenario, IReadOnlyList<PolicyFigures> Figures)> scenarios)
    {
        var rows = scenarios.SelectMany(s => s.Figures.Select(f => (s.Scenario, Figures: f))).GroupBy(f => f.Figures.Policy.Id).Select(g => g.ToArray()).ToArray();
        TableColumn<(ReportScenario Scenario, PolicyFigures Figures)[]>[] columns =
        [
            new(PolicyTable.RatioHead(model, rows.SelectMany(r => r).Select(r => r.Figures)), "Idle GPUs at the end for each that the better of these policies leaves idle: mean of the scenarios", r => PolicyTable.Ratio(Spread.Of(r.Select(f => f.Figures.IdleRatio))?.Mean), Best: -1),
            new("Worst ratio", "Its highest ratio in any scenario", Worst, Best: -1),
            new("Idle %", "Share of the cluster's GPUs that is idle at the end: mean of the scenarios", r => Mean(r, f => f.Scenario.Gpus > 0 ? 100 * f.Figures.IdleGpus?.Mean / f.Scenario.Gpus : null, 2), Best: -1),
            new("Allocated at the end", "% of the GPUs: mean of the scenarios", r => Mean(r, f => f.Figures.AllocationAtEnd?.Mean, 2), Best: 1),
            new("Allocated @100", "% of the GPUs when 100 % had arrived: mean of the scenarios", r => Mean(r, f => f.Figures.AllocationAt100?.Mean, 2), Best: 1),
            new("Failed pods", "Pods that found no node: mean of the scenarios", r => Mean(r, f => f.Figures.FailedPods?.Mean, 0)),
            new("Seconds", "Elapsed time of a run: mean of the scenarios", r => Mean(r, f => f.Figures.WallSeconds?.Mean, 2)),
            new("Scenarios", "In how many it ran", r => new(Num.Fixed(r.Length, 0), "", r.Length)),
        ];
        var sorted = columns.FirstOrDefault(c => c.Best < 0 && rows.Any(r => c.Cell(r).Value is not null));
        return SortableTable.Render("Policies over all scenarios", "Policy", sorted is null ? rows : [.. rows.OrderBy(r => sorted.Cell(r).Value ?? double.PositiveInfinity)], r => PolicyTable.Name(r[0].Figures), r => r[0].Figures.Style.Own, columns, sorted);

        static TableCell Mean((ReportScenario Scenario, PolicyFigures Figures)[] row, Func<(ReportScenario Scenario, PolicyFigures Figures), double?> figure, int decimals) =>
            Spread.Of(row.Select(figure)) is { } s ? new TableCell(Num.Fixed(s.Mean, decimals), "", s.Mean) : TableCell.Missing;

        static TableCell Worst((ReportScenario Scenario, PolicyFigures Figures)[] row) => row.MaxBy(f => f.Figures.IdleRatio) is { Figures.IdleRatio: { } ratio } worst
            ? PolicyTable.Ratio(ratio) with { Detail = worst.Scenario.Name }
            : TableCell.Missing;
    }

    /// <summary>A figure by scenario and policy; empty when no policy has it.</summary>
    private static Markup Matrix(
        IReadOnlyList<(ReportScenario Scenario, IReadOnlyList<PolicyFigures> Figures)> scenarios, string title,
        Func<PolicyFigures, double?> figure, Func<double, string> format, Func<PolicyFigures, string> detail)
    {
        var m = new Markup();
        if (scenarios.All(s => s.Figures.All(f => figure(f) is null)))
        {
            return m;
        }

        m.Add($"<h3>{title}</h3><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table class=\"dense\"><thead><tr><th scope=\"col\">Scenario</th>");
        var policies = scenarios.SelectMany(s => s.Figures).Select(f => f.Style).DistinctBy(s => s.Index).OrderBy(s => s.Index).ToArray();
        foreach (var policy in policies)
        {
            m.Add($"<th scope=\"col\" class=\"n\">{PolicyTable.Name(policy)}</th>");
        }

        m.Add($"</tr></thead><tbody>\n");
        foreach (var (index, (scenario, figures)) in scenarios.Index())
        {
            var best = figures.Select(figure).Min();
            m.Add($"<tr><th scope=\"row\"><a href=\"#{HtmlReport.ScenarioId(index)}\">{scenario.Name}</a></th>");
            foreach (var policy in policies)
            {
                var here = figures.FirstOrDefault(f => f.Style.Index == policy.Index);
                var value = here is null ? null : figure(here);
                m.Add($"<td class=\"{(value is not null && value == best ? "n best" : "n")}\">{(value is { } v ? format(v) : Num.Missing)}");
                if (here is not null && detail(here) is { Length: > 0 } more)
                {
                    m.Add($"<small>{more}</small>");
                }

                m.Add($"</td>");
            }

            m.Add($"</tr>\n");
        }

        m.Add($"</tbody></table></div>\n");
        return m;
    }
}
