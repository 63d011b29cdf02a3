using System.Text.Json;

namespace GpuScheduler.Simulator.Report;

/// <summary>
/// Lines of policies over a common axis as inline SVG, with a band for the range of the seeds, labels at the lines' ends, the values as
/// data for the script's read-out, and as a table for those who cannot see the drawing.
/// </summary>
internal sealed class LineChart
{
    // Units of the drawing. The style sheet knows the share of LabelMargin: on narrow screens it cuts the labels off there.
    private const double Width = 640, Height = 372, Left = 60, PlainMargin = 22, LabelMargin = 128, Top = 10, Bottom = 46;
    private const double LabelHeight = 14;

    /// <summary>A label further from its line's end than this no longer belongs to it: then the legend alone names the lines.</summary>
    private const double FarthestLabel = 40;

    private const int TableRows = 14;

    /// <summary>Whether there are labels at the right, and room for them.</summary>
    private bool _labelled;

    /// <summary>Heading.</summary>
    public required string Title { get; init; }

    /// <summary>What is drawn, and in which unit.</summary>
    public required string Caption { get; init; }

    /// <summary>Title of the horizontal axis.</summary>
    public required string XTitle { get; init; }

    /// <summary>Horizontal axis.</summary>
    public required Axis X { get; init; }

    /// <summary>Vertical axis. Lines that leave it are cut.</summary>
    public required Axis Y { get; init; }

    /// <summary>Where the lines have values.</summary>
    public required SeriesGrid Grid { get; init; }

    /// <summary>The lines.</summary>
    public required IReadOnlyList<Series> Lines { get; init; }

    /// <summary>How a place reads.</summary>
    public required Func<double, string> PlaceLabel { get; init; }

    /// <summary>True to draw the line on which a place equals its value.</summary>
    public bool Diagonal { get; init; }

    /// <summary>Points that no line can exceed, by ascending place, and the label of the last.</summary>
    public IReadOnlyList<ReportBound> Bounds { get; init; } = [];

    /// <summary>What all charts of a page refer to.</summary>
    public static Markup Definitions()
    {
        var m = new Markup();
        m.Add($"<svg class=\"definitions\" width=\"0\" height=\"0\" aria-hidden=\"true\">");
        foreach (var labelled in new[] { false, true })
        {
            m.Add($"<clipPath id=\"{Clip(labelled)}\"><rect x=\"{Left}\" y=\"{Top}\" width=\"{Width - Left - Margin(labelled)}\" height=\"{Height - Top - Bottom}\"/></clipPath>");
        }

        m.Add($"</svg>\n");
        return m;
    }

    /// <summary>A short line as a policy is drawn, for legends.</summary>
    public static Markup Key(PolicyStyle policy)
    {
        var m = new Markup();
        m.Add($"<svg class=\"key {policy.ColourClass}\" viewBox=\"0 0 28 10\" aria-hidden=\"true\"><path class=\"{LineClass(policy)}\" stroke-dasharray=\"{policy.Dashes}\" d=\"M1 5H27\"/></svg>");
        return m;
    }

    /// <summary>The chart as a figure.</summary>
    public Markup Render()
    {
        var m = new Markup();
        var labels = EndLabels();
        _labelled = labels.Length > 0;
        m.Add($"<figure class=\"chart\"><figcaption><h4>{Title}</h4><p>{Caption}</p></figcaption>\n<div class=\"plot\">");
        m.Add($"<svg class=\"{(_labelled ? "labelled" : "")}\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" tabindex=\"0\" aria-label=\"{Summary()}\">\n");
        Axes(m);
        foreach (var line in Lines.OrderBy(l => l.Policy.Own))
        {
            Line(m, line);
        }

        Limits(m);
        Ends(m, labels);
        m.Add($"<g class=\"readout\"></g></svg><output class=\"tip\" hidden></output></div>\n");
        m.Add($"<script type=\"application/json\">");
        m.AddJson(Data);
        m.Add($"</script>\n");
        Table(m);
        m.Add($"</figure>\n");
        return m;
    }

    private static string LineClass(PolicyStyle policy) => policy.Own ? "line own" : "line";

    private static double Margin(bool labelled) => labelled ? LabelMargin : PlainMargin;

    private static string Clip(bool labelled) => labelled ? "plot-area-labelled" : "plot-area";

    private double Right => Margin(_labelled);

    private double Px(double x) => Left + (X.Place(x) * (Width - Left - Right));

    private double Py(double y) => Top + ((1 - Y.Place(y)) * (Height - Top - Bottom));

    private bool Shown(int place) => Grid.Places[place] >= X.Min - 1e-9 && Grid.Places[place] <= X.Max + 1e-9;

    /// <summary>What a screen reader says of the drawing: where each line ends.</summary>
    private string Summary() =>
        $"{Title}. At the end: " + string.Join("; ", Lines.Where(l => l.Last >= 0).Select(l => $"{l.Policy.Name} {Num.Fixed(l.Mean[l.Last], 2)} %")) + ". The values are in the table below.";

    private void Axes(Markup m)
    {
        m.Add($"<g class=\"grid\">");
        foreach (var (value, _) in Y.Ticks)
        {
            m.Add($"<path d=\"M{Left} {Py(value)}H{Width - Right}\"/>");
        }

        foreach (var (value, _) in X.Ticks)
        {
            m.Add($"<path d=\"M{Px(value)} {Height - Bottom}v4\"/>");
        }

        m.Add($"<path class=\"base\" d=\"M{Left} {Height - Bottom}H{Width - Right}\"/></g>\n<g class=\"ticks\">");
        foreach (var (value, label) in Y.Ticks)
        {
            m.Add($"<text x=\"{Left - 7}\" y=\"{Py(value)}\" dy=\".34em\" text-anchor=\"end\">{label}</text>");
        }

        foreach (var (value, label) in X.Ticks)
        {
            m.Add($"<text x=\"{Px(value)}\" y=\"{Height - Bottom + 7}\" dy=\".8em\" text-anchor=\"middle\">{label}</text>");
        }

        m.Add($"<text class=\"title\" x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 5}\" text-anchor=\"middle\">{XTitle}</text></g>\n");
    }

    private void Line(Markup m, Series line)
    {
        m.Add($"<g class=\"series {line.Policy.ColourClass}\" data-policy=\"{line.Policy.Index}\" clip-path=\"url(#{Clip(_labelled)})\"><title>{line.Policy.Name}</title>");
        if (line.HasBand)
        {
            var places = Enumerable.Range(0, Grid.Places.Length).Where(i => Shown(i) && double.IsFinite(line.Mean[i])).ToArray();
            m.Add($"<path class=\"band\" d=\"");
            Points(m, [.. places.Select(i => (Grid.Places[i], line.High[i])), .. places.Reverse().Select(i => (Grid.Places[i], line.Low[i]))]);
            m.Add($"Z\"/>");
        }

        m.Add($"<path class=\"{LineClass(line.Policy)}\" stroke-dasharray=\"{line.Policy.Dashes}\" d=\"");
        var single = Parts(line, m) && line.Mean.Count(double.IsFinite) == 1;
        m.Add($"\"/>");
        if (single)
        {
            m.Add($"<circle class=\"dot\" r=\"4\" cx=\"{Px(Grid.Places[line.Last])}\" cy=\"{Py(line.Mean[line.Last])}\"/>");
        }

        m.Add($"</g>\n");
    }

    /// <summary>The line, in parts where values are missing. True when anything was drawn.</summary>
    private bool Parts(Series line, Markup m)
    {
        var part = new List<(double X, double Y)>();
        var any = false;
        for (var i = 0; i <= Grid.Places.Length; i++)
        {
            if (i < Grid.Places.Length && Shown(i) && double.IsFinite(line.Mean[i]))
            {
                part.Add((Grid.Places[i], line.Mean[i]));
            }
            else if (part.Count > 0)
            {
                Points(m, [.. part]);
                part.Clear();
                any = true;
            }
        }

        return any;
    }

    private void Points(Markup m, ReadOnlySpan<(double X, double Y)> points)
    {
        for (var i = 0; i < points.Length; i++)
        {
            if (i == 0)
            {
                m.Add($"M{Px(points[i].X)} {Drawable(points[i].Y)}");
            }
            else
            {
                m.Add($"L{Px(points[i].X)} {Drawable(points[i].Y)}");
            }
        }
    }

    /// <summary>Height of a value; far outside the frame it is cut, since browsers draw huge coordinates wrongly.</summary>
    private double Drawable(double y) => Math.Clamp(Py(y), -10 * Height, 11 * Height);

    private void Limits(Markup m)
    {
        if (Diagonal)
        {
            m.Add($"<path class=\"diagonal\" clip-path=\"url(#{Clip(_labelled)})\" d=\"M{Px(X.Min)} {Drawable(X.Min)}L{Px(X.Max)} {Drawable(X.Max)}\"><title>everything that arrived is placed</title></path>");
        }

        var bounds = Bounds.Where(b => b.LoadPercent >= X.Min && b.LoadPercent <= X.Max && double.IsFinite(b.AllocationPercent)).ToArray();
        if (bounds.Length > 0)
        {
            m.Add($"<g class=\"bound\" clip-path=\"url(#{Clip(_labelled)})\"><title>Upper bound: {bounds[^1].Source}</title><path d=\"");
            Points(m, [.. bounds.Select(b => (b.LoadPercent, b.AllocationPercent))]);
            m.Add($"\"/>");
            foreach (var bound in bounds)
            {
                m.Add($"<path class=\"mark\" d=\"M{Px(bound.LoadPercent) - 7} {Drawable(bound.AllocationPercent)}h14\"/>");
            }

            m.Add($"</g>\n");
        }
    }

    /// <summary>Names for the ends of the lines, moved apart where they would lie on each other; none when that moves one too far.</summary>
    private EndLabel[] EndLabels()
    {
        const double Lowest = Height - Bottom;
        var labels = Lines.Where(l => l.Last >= 0)
            .Select(l => new EndLabel(l.Policy.Name, l.Policy.ColourClass, l.Policy.Index, Py(l.Mean[l.Last]), l.Policy.Own))
            .Concat(Bounds.TakeLast(1).Where(b => double.IsFinite(b.AllocationPercent))
                .Select(b => new EndLabel("upper bound", "bound", Policy: -1, Py(b.AllocationPercent), Own: false)))
            .OrderBy(l => l.End)
            .ToArray();
        if (labels.Length > (Lowest - Top) / LabelHeight)
        {
            return [];
        }

        // Pushed apart downwards from the first and upwards from the last; the mean of both keeps the distance and the middle.
        var wanted = labels.Select(l => Math.Clamp(l.End, Top + 4, Lowest)).ToArray();
        var down = (double[])wanted.Clone();
        var up = (double[])wanted.Clone();
        for (var i = 1; i < labels.Length; i++)
        {
            down[i] = Math.Max(down[i], down[i - 1] + LabelHeight);
            up[^(i + 1)] = Math.Min(up[^(i + 1)], up[^i] - LabelHeight);
        }

        var above = Top + 4 - LabelHeight;
        for (var i = 0; i < labels.Length; i++)
        {
            above = Math.Max((down[i] + up[i]) / 2, above + LabelHeight);
            labels[i] = labels[i] with { At = above };
        }

        var under = Lowest + LabelHeight;
        for (var i = labels.Length - 1; i >= 0; i--)
        {
            under = Math.Min(labels[i].At, under - LabelHeight);
            labels[i] = labels[i] with { At = under };
        }

        return labels.Zip(wanted).Any(l => Math.Abs(l.First.At - l.Second) > FarthestLabel) ? [] : labels;
    }

    private void Ends(Markup m, EndLabel[] labels)
    {
        m.Add($"<g class=\"ends\" aria-hidden=\"true\">");
        foreach (var label in labels)
        {
            var below = label.End > Height - Bottom + 0.5;
            m.Add($"<g class=\"series {label.Style}\" data-policy=\"{label.Policy}\">");
            if (!below)
            {
                m.Add($"<path d=\"M{Width - Right + 1} {Math.Max(label.End, Top)}L{Width - Right + 9} {label.At}\"/>");
            }

            m.Add($"<text class=\"{(label.Own ? "own" : "")}\" x=\"{Width - Right + 11}\" y=\"{label.At}\" dy=\".34em\">{Short(label.Name)}{(below ? " ↓" : "")}</text></g>");
        }

        m.Add($"</g>\n");
    }

    private static string Short(string name) => name.Length <= 15 ? name : name[..14] + "…";

    private void Data(Utf8JsonWriter json)
    {
        var places = Enumerable.Range(0, Grid.Places.Length).Where(Shown).ToArray();
        json.WriteStartObject();
        Numbers(json, "px", places.Select(i => Math.Round(Px(Grid.Places[i]), 1)));
        json.WriteStartArray("label");
        foreach (var i in places)
        {
            json.WriteStringValue(PlaceLabel(Grid.Places[i]));
        }

        json.WriteEndArray();
        Numbers(json, "y", [Y.Min, Y.Max, Height - Bottom, Top]);
        json.WriteStartArray("lines");
        foreach (var line in Lines)
        {
            json.WriteStartObject();
            json.WriteString("name", line.Policy.Name);
            json.WriteNumber("policy", line.Policy.Index);
            json.WriteString("colour", line.Policy.ColourClass);
            Numbers(json, "mean", places.Select(i => line.Mean[i]));
            if (line.HasBand)
            {
                Numbers(json, "low", places.Select(i => line.Low[i]));
                Numbers(json, "high", places.Select(i => line.High[i]));
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Numbers(Utf8JsonWriter json, string name, IEnumerable<double> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            if (double.IsFinite(value))
            {
                json.WriteNumberValue(Math.Round(value, 2));
            }
            else
            {
                json.WriteNullValue();
            }
        }

        json.WriteEndArray();
    }

    private void Table(Markup m)
    {
        var places = Enumerable.Range(0, Grid.Places.Length).Where(Shown).ToArray();
        var step = Math.Max(1, (places.Length + TableRows - 1) / TableRows);
        m.Add($"<details class=\"values\"><summary>Values</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\">{XTitle}</th>");
        foreach (var line in Lines)
        {
            m.Add($"<th scope=\"col\" class=\"n\">{line.Policy.Name}</th>");
        }

        m.Add($"</tr></thead><tbody>");
        for (var i = 0; i < places.Length; i++)
        {
            // Counted from the end, which is the place that matters.
            if ((places.Length - 1 - i) % step == 0)
            {
                m.Add($"<tr><th scope=\"row\">{PlaceLabel(Grid.Places[places[i]])}</th>");
                foreach (var line in Lines)
                {
                    m.Add($"<td class=\"n\">{Num.Fixed(line.Mean[places[i]], 2)}</td>");
                }

                m.Add($"</tr>");
            }
        }

        m.Add($"</tbody></table></div></details>\n");
    }

    /// <summary>A name at the end of a line.</summary>
    /// <param name="Name">What it says.</param>
    /// <param name="Style">Class of its colour.</param>
    /// <param name="Policy">Index of the policy's style, -1 for none.</param>
    /// <param name="End">Height at which the line ends.</param>
    /// <param name="Own">True for the engine's own policy.</param>
    /// <param name="At">Height of the name.</param>
    private sealed record EndLabel(string Name, string Style, int Policy, double End, bool Own, double At = 0);
}
