using System.Globalization;

namespace GpuScheduler.Simulator.Report;

/// <summary>
/// Writes a <see cref="ReportModel"/> as one HTML file that needs nothing else: no network (its content security policy forbids it), no
/// other file, and no script to be read. Charts are drawn here rather than by a chart library: those for .NET (ScottPlot, OxyPlot) give
/// pictures with fixed colours and without read-outs, the first by way of a native renderer; those of the browser add megabytes of script.
/// </summary>
internal static class HtmlReport
{
    /// <summary>The page. The same model gives the same text.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A card of a map uses less than 0 or more than 1000 milli.</exception>
    public static string Render(ReportModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var styles = PolicyStyle.Assign(model);
        var clusters = new ClusterStore();
        var scenarios = model.Scenarios.Select(s => (Scenario: s, Figures: PolicyFigures.Of(model, s, styles))).ToArray();

        var m = new Markup();
        Head(m, model);
        m.Add($"<main>\n{Overview.Render(model, scenarios)}");
        if (scenarios.Length > 1)
        {
            m.Add($"<p class=\"fold\"><button type=\"button\" data-fold=\"open\">Unfold all scenarios</button><button type=\"button\" data-fold=\"\">Fold all</button></p>\n");
        }

        foreach (var (index, (scenario, figures)) in scenarios.Index())
        {
            m.Add($"{ScenarioSection.Render(model, index, scenario, figures, clusters)}");
        }

        if (model.Tables.Count > 0)
        {
            m.Add($"<section id=\"tables\">\n");
            foreach (var table in model.Tables)
            {
                m.Add($"{PlainTables.Render(table)}");
            }

            m.Add($"</section>\n");
        }

        Origin(m, model);
        m.Add($"</main>\n<script type=\"application/json\" id=\"clusters\">");
        m.AddJson(clusters.Write);
        m.Add($"</script>\n</body></html>\n");
        return m.ToString();
    }

    /// <summary>Writes the page as UTF-8.</summary>
    /// <inheritdoc cref="Render"/>
    public static void Write(Stream stream, ReportModel model)
    {
        using var text = new StreamWriter(stream, leaveOpen: true);
        text.Write(Render(model));
    }

    /// <summary>Anchor of a scenario.</summary>
    public static string ScenarioId(int index) => "scenario-" + index.ToString(CultureInfo.InvariantCulture);

    private static void Head(Markup m, ReportModel model)
    {
        m.Add($"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
        m.Add($"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{ReportAsset.Style.Hash}'; script-src '{ReportAsset.Script.Hash}'; img-src data:; base-uri 'none'; form-action 'none'\">\n");
        m.Add($"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\n");
        m.Add($"<title>{model.Title}</title><link rel=\"icon\" href=\"data:,\">\n<style>");
        m.AddAsset(ReportAsset.Style);
        m.Add($"</style>\n<script>");
        m.AddAsset(ReportAsset.Script);
        m.Add($"</script>\n</head><body>\n{LineChart.Definitions()}<header><div><h1>{model.Title}</h1><p class=\"quiet\">");
        if (model.GeneratedAt is { } at)
        {
            m.Add($"{at.ToString("yyyy-MM-dd HH:mm:ss zzz", CultureInfo.InvariantCulture)} · ");
        }

        m.Add($"{Count(model.Scenarios.Count, "scenario")} · {Count(model.Scenarios.SelectMany(s => s.Policies).Select(p => p.Id).Distinct().Count(), "policy", "policies")} · {Count(model.Seeds.Count, "seed")}</p></div>");
        m.Add($"<button type=\"button\" id=\"theme\" hidden>Theme: <span>system</span></button></header>\n<nav aria-label=\"Sections\"><a href=\"#result\">Result</a>");
        foreach (var (index, scenario) in model.Scenarios.Index())
        {
            m.Add($"<a href=\"#{ScenarioId(index)}\">{scenario.Name}</a>");
        }

        if (model.Tables.Count > 0)
        {
            m.Add($"<a href=\"#tables\">Tables</a>");
        }

        m.Add($"<a href=\"#origin\">How to repeat it</a></nav>\n");
    }

    private static void Origin(Markup m, ReportModel model)
    {
        m.Add($"<section id=\"origin\"><h2>How to repeat it</h2>\n<pre tabindex=\"0\"><code>{model.CommandLine}</code></pre>\n<dl class=\"origin\">");
        foreach (var version in model.Versions)
        {
            m.Add($"<dt>{version.Name}</dt><dd>{version.Value}</dd>");
        }

        if (model.Seeds.Count > 0)
        {
            m.Add($"<dt>Seeds</dt><dd>{string.Join(", ", model.Seeds.Select(s => s.ToString(CultureInfo.InvariantCulture)))}</dd>");
        }

        m.Add($"</dl></section>\n");
    }

    private static string Count(int count, string one, string? many = null) => $"{Num.Fixed(count, 0)} {(count == 1 ? one : many ?? one + "s")}";
}
