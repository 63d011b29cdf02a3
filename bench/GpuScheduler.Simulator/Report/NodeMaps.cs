namespace GpuScheduler.Simulator.Report;

/// <summary>
/// The nodes at the end of a run. Drawn by the script on a canvas, since a cluster has tens of thousands of cards; the table beside it
/// says the same in numbers and needs no script.
/// </summary>
internal static class NodeMaps
{
    /// <summary>The section; empty without maps.</summary>
    public static Markup Render(IReadOnlyList<PolicyFigures> figures, ClusterStore clusters)
    {
        var m = new Markup();
        var maps = figures.Where(f => f.Policy.Map is { Nodes.Count: > 0 }).Select(f => (f.Style, Map: f.Policy.Map!)).OrderBy(p => p.Style.Own ? 0 : 1).ToArray();
        if (maps.Length == 0)
        {
            return m;
        }

        var seeds = maps.Select(p => p.Map.Seed).Distinct().ToArray();
        m.Add($"<section class=\"maps\"><h3>Map of the nodes</h3><p>Every card at the end of the run{(seeds.Length == 1 ? " with seed " + Num.Fixed(seeds[0], 0).Replace(",", "", StringComparison.Ordinal) : "")}, coloured by what is left on it (milli-GPU). The line under a node is the part of its CPU that is in use.</p>\n");
        IdleBars.Legend(m, map: true);
        m.Add($"<div class=\"map\" hidden><div class=\"controls\"><fieldset><legend>Policy</legend></fieldset><label>Order <select><option value=\"name\">as given</option><option value=\"idle\">most idle first</option></select></label></div>\n");
        m.Add($"<canvas tabindex=\"0\" role=\"img\" aria-label=\"Map of the nodes; arrow keys go from node to node\"></canvas><div class=\"mark\" hidden></div><output class=\"tip\" hidden></output><p class=\"where\" aria-live=\"polite\">Point at a node, or go through them with the arrow keys.</p>\n");
        m.Add($"<script type=\"application/json\">");
        m.AddJson(json =>
        {
            json.WriteStartArray();
            foreach (var (style, map) in maps)
            {
                ClusterStore.WriteMap(json, map, clusters.Add(map.Nodes), style.Index);
            }

            json.WriteEndArray();
        });
        m.Add($"</script></div><noscript><p class=\"note\">The map is drawn by a script; the table has its numbers.</p></noscript>\n");
        Groups(m, maps);
        m.Add($"</section>\n");
        return m;
    }

    private static void Groups(Markup m, (PolicyStyle Style, ClusterMap Map)[] maps)
    {
        var groups = maps.SelectMany(p => p.Map.Nodes).Select(n => n.Group).Distinct().ToArray();
        m.Add($"<h4>Idle GPUs by {maps[0].Map.GroupedBy}</h4><p>In brackets: cards that are wholly free.</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Idle GPUs by {maps[0].Map.GroupedBy}\"><table class=\"dense\"><thead><tr><th scope=\"col\">{maps[0].Map.GroupedBy}</th><th scope=\"col\" class=\"n\">Nodes</th><th scope=\"col\" class=\"n\">GPUs</th>");
        foreach (var (style, _) in maps)
        {
            m.Add($"<th scope=\"col\" class=\"n\">{style.Name}</th>");
        }

        m.Add($"</tr></thead><tbody>\n");
        var byMap = maps.Select(p => p.Map.Nodes.ToLookup(n => n.Group)).ToArray();
        foreach (var group in groups)
        {
            var nodes = byMap[0][group].ToArray();
            m.Add($"<tr><th scope=\"row\">{(group.Length == 0 ? Num.Missing : group)}</th><td class=\"n\">{Num.Fixed(nodes.Length, 0)}</td><td class=\"n\">{Num.Fixed(nodes.Sum(n => n.Cards.Count), 0)}</td>");
            foreach (var map in byMap)
            {
                var cards = map[group].SelectMany(n => n.Cards).ToArray();
                m.Add($"<td class=\"n\">{Num.Fixed(cards.Sum(c => 1000L - c.UsedMilli) / 1000.0, 1)} <span class=\"quiet\">({Num.Fixed(cards.Count(c => c.UsedMilli == 0), 0)})</span></td>");
            }

            m.Add($"</tr>\n");
        }

        m.Add($"</tbody></table></div>\n");
    }
}
