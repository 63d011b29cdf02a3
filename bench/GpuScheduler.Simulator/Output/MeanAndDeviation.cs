namespace GpuScheduler.Simulator.Output;

/// <summary>Mean and sample standard deviation of a figure over seeds.</summary>
internal readonly record struct MeanAndDeviation(int Count, double Mean, double Deviation)
{
    /// <summary>Of values; those that are missing are left out.</summary>
    public static MeanAndDeviation Of(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToList();
        if (known.Count == 0)
        {
            return new MeanAndDeviation(0, double.NaN, double.NaN);
        }

        var mean = known.Average();
        return new MeanAndDeviation(known.Count, mean, known.Count < 2 ? 0 : Math.Sqrt(known.Sum(v => (v - mean) * (v - mean)) / (known.Count - 1)));
    }
}
