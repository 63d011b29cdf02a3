namespace GpuScheduler.Simulator.Report;

/// <summary>Idle GPUs by what is left on the card, a stacked bar for each policy inside the table of the numbers.</summary>
internal static class IdleBars
{
    private const double Width = 1000, Height = 22;

    /// <summary>A bar longer than so many times the shortest is cut, or one bad policy would hide how the others differ.</summary>
    private const double LongestOfShortest = 3;

    /// <summary>The section; empty without data.</summary>
    public static Markup Render(ReportScenario scenario, IReadOnlyList<PolicyFigures> figures)
    {
        var m = new Markup();
        var rows = figures
            .Select(f => (Figures: f, Classes: Means(f.Policy)))
            .Where(r => r.Classes is not null)
            .Select(r => (r.Figures, Classes: r.Classes!, Total: r.Classes!.Sum()))
            .OrderBy(r => r.Total)
            .ToArray();
        if (rows.Length == 0)
        {
            return m;
        }

        var bound = PolicyTable.IdleAtBound(scenario);
        var longest = Math.Min(rows[^1].Total, Math.Max(rows[0].Total, bound ?? 0) * LongestOfShortest);
        longest = longest > 0 ? longest : 1;
        m.Add($"<figure class=\"idle\"><figcaption><h4>Idle GPUs by what is left on the card</h4><p>GPUs idle at the end, by the free share (milli-GPU) of the card that they are on; mean of the seeds. ");
        m.Add($"Whole cards idle beside waiting pods mean that CPU, memory or the model was missing; slivers mean that nothing small enough came.</p></figcaption>\n");
        Legend(m, map: false);
        m.Add($"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Idle GPUs by what is left on the card\"><table class=\"bars\"><thead><tr><th scope=\"col\">Policy</th><th scope=\"col\" class=\"bar\"><span class=\"sr\">Bar</span></th><th scope=\"col\" class=\"n\">Idle</th>");
        foreach (var name in IdleByRemainder.Classes)
        {
            m.Add($"<th scope=\"col\" class=\"n\">{name}</th>");
        }

        m.Add($"</tr></thead><tbody>\n");
        foreach (var (policy, classes, total) in rows)
        {
            m.Add($"<tr class=\"{(policy.Style.Own ? "own" : "")}\"><th scope=\"row\">{PolicyTable.Name(policy)}</th><td class=\"bar\">");
            Bar(m, classes, total, longest, bound);
            m.Add($"</td><td class=\"n\">{Num.Fixed(total, 1)}</td>");
            foreach (var gpus in classes)
            {
                m.Add($"<td class=\"n\">{Num.Fixed(gpus, 1)}</td>");
            }

            m.Add($"</tr>\n");
        }

        m.Add($"</tbody></table></div>\n");
        if (bound is { } least)
        {
            m.Add($"<p class=\"note\"><svg class=\"key bound\" viewBox=\"0 0 28 10\" aria-hidden=\"true\"><path d=\"M14 0V10\"/></svg>{Num.Fixed(least, 1)} are idle at the upper bound on the allocation.</p>\n");
        }

        m.Add($"</figure>\n");
        return m;
    }

    /// <summary>The colours of the classes.</summary>
    /// <param name="m">Where to add it.</param>
    /// <param name="map">True to name too what only the map shows: full cards, and what is closed.</param>
    public static void Legend(Markup m, bool map)
    {
        m.Add($"<ul class=\"classes\">");
        if (map)
        {
            m.Add($"<li><i class=\"swatch left-full\"></i>full</li>");
        }

        for (var c = 0; c < IdleByRemainder.Classes.Count; c++)
        {
            m.Add($"<li><i class=\"swatch left-{c}\"></i>{IdleByRemainder.Classes[c]}</li>");
        }

        if (map)
        {
            m.Add($"<li><svg class=\"swatch hatch\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><path d=\"M0 4L4 0M0 8L8 0M0 12L12 0M4 12L12 4M8 12L12 8\"/></svg>cordoned or unhealthy</li>");
        }

        m.Add($"</ul>\n");
    }

    private static double[]? Means(ReportPolicy policy)
    {
        var runs = policy.Runs.Select(r => r.Idle).OfType<IdleByRemainder>().ToArray();
        return runs.Length == 0
            ? null
            : [.. Enumerable.Range(0, IdleByRemainder.Classes.Count).Select(c => Spread.Of(runs.Select(r => r.Gpus.Count > c ? (double?)r.Gpus[c] : null))?.Mean ?? 0)];
    }

    private static void Bar(Markup m, double[] classes, double total, double longest, double? bound)
    {
        m.Add($"<svg viewBox=\"0 0 {Width} {Height}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
        var x = 0.0;
        for (var c = 0; c < classes.Length; c++)
        {
            var width = Math.Min(Math.Max(classes[c], 0) / longest * Width, Width - x);
            if (width > 0)
            {
                m.Add($"<rect class=\"left-{c}\" x=\"{x}\" y=\"2\" width=\"{width}\" height=\"{Height - 4}\"><title>{IdleByRemainder.Classes[c]}: {Num.Fixed(classes[c], 1)}</title></rect>");
                x += width;
            }
        }

        if (total > longest)
        {
            m.Add($"<path class=\"cut\" d=\"M{Width - 22} {Height}l12 {-Height}\"/>");
        }

        if (bound is { } b && b <= longest)
        {
            m.Add($"<path class=\"bound\" d=\"M{b / longest * Width} 0V{Height}\"/>");
        }

        m.Add($"</svg>");
    }
}
