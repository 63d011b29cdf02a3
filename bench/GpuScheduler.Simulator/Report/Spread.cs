namespace GpuScheduler.Simulator.Report;

/// <summary>Mean and range of a figure over the seeds.</summary>
/// <param name="Mean">Arithmetic mean.</param>
/// <param name="Min">Least.</param>
/// <param name="Max">Greatest.</param>
/// <param name="Count">How many values there were.</param>
internal readonly record struct Spread(double Mean, double Min, double Max, int Count)
{
    /// <summary>Over the values that are there and finite; null when there is none.</summary>
    public static Spread? Of(IEnumerable<double?> values)
    {
        double mean = 0, min = double.PositiveInfinity, max = double.NegativeInfinity;
        var count = 0;
        foreach (var value in values)
        {
            if (value is { } v && double.IsFinite(v))
            {
                count++;
                mean += (v - mean) / count;
                min = Math.Min(min, v);
                max = Math.Max(max, v);
            }
        }

        return count == 0 ? null : new Spread(mean, min, max, count);
    }
}
