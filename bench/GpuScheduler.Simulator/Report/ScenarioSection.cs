namespace GpuScheduler.Simulator.Report;

/// <summary>All that is known of one scenario.</summary>
internal static class ScenarioSection
{
    /// <summary>The section; it can be folded, and is open at first only when it is the first.</summary>
    public static Markup Render(ReportModel model, int index, ReportScenario scenario, IReadOnlyList<PolicyFigures> figures, ClusterStore clusters)
    {
        var m = new Markup();
        m.Add($"<section class=\"scenario\" id=\"{HtmlReport.ScenarioId(index)}\"><details{(index == 0 ? " open" : "")}><summary><h2>{scenario.Name}</h2>");
        if (scenario.Nodes > 0 || scenario.Gpus > 0)
        {
            m.Add($"<span class=\"quiet\">{Num.Fixed(scenario.Nodes, 0)} nodes, {Num.Fixed(scenario.Gpus, 0)} GPUs</span>");
        }

        m.Add($"</summary>\n");
        if (scenario.Description.Length > 0)
        {
            m.Add($"<p>{scenario.Description}</p>\n");
        }

        if (figures.Count == 0)
        {
            m.Add($"<p>No policy was run.</p></details></section>\n");
            return m;
        }

        if (model.Scenarios.Count > 1)
        {
            m.Add($"{PolicyTable.Render(model, scenario, figures)}");
        }

        foreach (var source in scenario.Bounds.Select(b => b.Source).Distinct())
        {
            m.Add($"<p class=\"note\">Upper bound: {source}</p>\n");
        }

        m.Add($"<div class=\"legend\" role=\"group\" aria-label=\"Lines shown in the charts\">");
        foreach (var policy in figures)
        {
            m.Add($"<button type=\"button\" aria-pressed=\"true\" data-policy=\"{policy.Style.Index}\">{PolicyTable.Name(policy)}</button>");
        }

        m.Add($"</div>\n<div class=\"charts\">\n{FillUpCharts.Render(scenario, figures)}</div>\n{IdleBars.Render(scenario, figures)}{WaitingCharts.Render(figures)}{NodeMaps.Render(figures, clusters)}</details></section>\n");
        return m;
    }
}
