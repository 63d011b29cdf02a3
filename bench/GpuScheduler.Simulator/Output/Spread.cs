namespace GpuScheduler.Simulator.Output;

/// <summary>Mean and sample standard deviation of a figure over seeds.</summary>
internal readonly record struct Spread(int Count, double Mean, double Deviation)
{
    /// <summary>Of values; those that are missing are left out.</summary>
    public static Spread Of(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToList();
        if (known.Count == 0)
        {
            return new Spread(0, double.NaN, double.NaN);
        }

        var mean = known.Average();
        return new Spread(known.Count, mean, known.Count < 2 ? 0 : Math.Sqrt(known.Sum(v => (v - mean) * (v - mean)) / (known.Count - 1)));
    }
}
