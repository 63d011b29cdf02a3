using System.Text.Json;

namespace GpuScheduler.Simulator.Report;

/// <summary>
/// Lines of policies over a common axis as inline SVG, with a band for the range of the seeds, labels at the lines' ends, the values as
/// data for the script's read-out, and as a table for those who cannot see the drawing.
/// </summary>
internal sealed record LineChart
{
    /// <summary>Id of the clipping rectangle that all charts share; <see cref="Definitions"/> puts it in the page.</summary>
    private const string Clip = "plot-area";

    // Units of the drawing. The style sheet relies on the width of the right margin: on narrow screens it cuts the labels off there.
    private const double Width = 640, Height = 372, Left = 60, Right = 116, Top = 10, Bottom = 46;
    private const double LabelHeight = 14;
    private const int TableRows = 14;

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
        m.Add($"<svg class=\"definitions\" width=\"0\" height=\"0\" aria-hidden=\"true\"><clipPath id=\"{Clip}\"><rect x=\"{Left}\" y=\"{Top}\" width=\"{Width - Left - Right}\" height=\"{Height - Top - Bottom}\"/></clipPath></svg>\n");
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
        m.Add($"<figure class=\"chart\"><figcaption><h4>{Title}</h4><p>{Caption}</p></figcaption>\n<div class=\"plot\">");
        m.Add($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" tabindex=\"0\" aria-label=\"{Summary()}\">\n");
        Axes(m);
        foreach (var line in Lines.OrderBy(l => l.Policy.Own))
        {
            Line(m, line);
        }

        Limits(m);
        EndLabels(m);
        m.Add($"<g class=\"readout\"></g></svg><output class=\"tip\" hidden></output></div>\n");
        m.Add($"<script type=\"application/json\">");
        m.AddJson(Data);
        m.Add($"</script>\n");
        Table(m);
        m.Add($"</figure>\n");
        return m;
    }

    private static string LineClass(PolicyStyle policy) => policy.Own ? "line own" : "line";

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
        m.Add($"<g class=\"series {line.Policy.ColourClass}\" data-policy=\"{line.Policy.Index}\" clip-path=\"url(#{Clip})\"><title>{line.Policy.Name}</title>");
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
            m.Add($"<path class=\"diagonal\" clip-path=\"url(#{Clip})\" d=\"M{Px(X.Min)} {Drawable(X.Min)}L{Px(X.Max)} {Drawable(X.Max)}\"><title>everything that arrived is placed</title></path>");
        }

        var bounds = Bounds.Where(b => b.LoadPercent >= X.Min && b.LoadPercent <= X.Max && double.IsFinite(b.AllocationPercent)).ToArray();
        if (bounds.Length > 0)
        {
            m.Add($"<g class=\"bound\" clip-path=\"url(#{Clip})\"><title>Upper bound: {bounds[^1].Source}</title><path d=\"");
            Points(m, [.. bounds.Select(b => (b.LoadPercent, b.AllocationPercent))]);
            m.Add($"\"/>");
            foreach (var bound in bounds)
            {
                m.Add($"<path class=\"mark\" d=\"M{Px(bound.LoadPercent) - 7} {Drawable(bound.AllocationPercent)}h14\"/>");
            }

            m.Add($"</g>\n");
        }
    }

    /// <summary>Names at the ends of the lines, moved apart where they would lie on each other.</summary>
    private void EndLabels(Markup m)
    {
        var bottom = Height - Bottom;
        var labels = Lines.Where(l => l.Last >= 0)
            .Select(l => (l.Policy.Name, Style: l.Policy.ColourClass, Index: (int?)l.Policy.Index, End: Py(l.Mean[l.Last]), l.Policy.Own))
            .Concat(Bounds.TakeLast(1).Where(b => double.IsFinite(b.AllocationPercent))
                .Select(b => (Name: "upper bound", Style: "bound", Index: (int?)null, End: Py(b.AllocationPercent), Own: false)))
            .OrderBy(l => l.End)
            .ToArray();
        if (labels.Length > (bottom - Top) / LabelHeight)
        {
            return;
        }

        var y = new double[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            y[i] = Math.Max(Math.Clamp(labels[i].End, Top + 4, bottom), i == 0 ? 0 : y[i - 1] + LabelHeight);
        }

        for (var i = labels.Length - 1; i >= 0; i--)
        {
            y[i] = Math.Min(y[i], i == labels.Length - 1 ? bottom : y[i + 1] - LabelHeight);
        }

        m.Add($"<g class=\"ends\" aria-hidden=\"true\">");
        for (var i = 0; i < labels.Length; i++)
        {
            var (name, style, index, end, own) = labels[i];
            var below = end > bottom + 0.5;
            m.Add($"<g class=\"series {style}\" data-policy=\"{(index is { } n ? n : -1)}\">");
            if (!below)
            {
                m.Add($"<path d=\"M{Width - Right + 1} {Math.Max(end, Top)}L{Width - Right + 9} {y[i]}\"/>");
            }

            m.Add($"<text class=\"{(own ? "own" : "")}\" x=\"{Width - Right + 11}\" y=\"{y[i]}\" dy=\".34em\">{Short(name)}{(below ? " ↓" : "")}</text></g>");
        }

        m.Add($"</g>\n");
    }

    private static string Short(string name) => name.Length <= 16 ? name : name[..15] + "…";

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
}
