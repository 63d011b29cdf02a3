namespace GpuScheduler.Simulator.Report;

/// <summary>The places on the horizontal axis at which the lines of a chart are known, and how seeds become a line there.</summary>
internal sealed class SeriesGrid
{
    /// <summary>More places than that no screen shows.</summary>
    private const int MostPlaces = 400;

    private SeriesGrid(double[] places) => Places = places;

    /// <summary>Places, ascending.</summary>
    public double[] Places { get; }

    /// <summary>The places of all lines together; an even division where they are too many.</summary>
    public static SeriesGrid Over(IEnumerable<IReadOnlyList<(double X, double Y)>> lines)
    {
        var places = lines.SelectMany(l => l).Select(p => p.X).Where(double.IsFinite).Distinct().Order().ToArray();
        return new SeriesGrid(places.Length <= MostPlaces ? places : Even(places[0], places[^1]));

        static double[] Even(double first, double last) =>
            [.. Enumerable.Range(0, MostPlaces + 1).Select(i => first + ((last - first) * i / MostPlaces))];
    }

    /// <summary>These places.</summary>
    public static SeriesGrid At(double[] places) => new(places);

    /// <summary>Mean and range of the seeds' lines at each place; none where fewer than half of them have a value.</summary>
    public Series Sum(PolicyStyle policy, IReadOnlyList<IReadOnlyList<(double X, double Y)>> seeds)
    {
        var series = new Series(policy, new double[Places.Length], new double[Places.Length], new double[Places.Length]);
        var lines = seeds.Select(Sample).ToArray();
        for (var i = 0; i < Places.Length; i++)
        {
            var spread = Spread.Of(lines.Select(l => (double?)l[i]));
            (series.Mean[i], series.Low[i], series.High[i]) = spread is { } s && s.Count * 2 >= lines.Length
                ? (s.Mean, s.Min, s.Max)
                : (double.NaN, double.NaN, double.NaN);
        }

        return series;
    }

    /// <summary>A line at each place, between its points by straight lines; NaN before its first and after its last point.</summary>
    private double[] Sample(IReadOnlyList<(double X, double Y)> line)
    {
        var points = line.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).OrderBy(p => p.X).ToArray();
        var values = new double[Places.Length];
        var next = 0;
        for (var i = 0; i < Places.Length; i++)
        {
            var x = Places[i];
            while (next < points.Length && points[next].X < x)
            {
                next++;
            }

            values[i] = next < points.Length && points[next].X == x ? points[next].Y
                : next == 0 || next == points.Length ? double.NaN
                : Between(points[next - 1], points[next], x);
        }

        return values;
    }

    private static double Between((double X, double Y) a, (double X, double Y) b, double x)
    {
        var t = (x - a.X) / (b.X - a.X);
        return (a.Y * (1 - t)) + (b.Y * t);
    }
}
