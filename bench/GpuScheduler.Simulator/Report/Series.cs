namespace GpuScheduler.Simulator.Report;

/// <summary>One policy's line in a chart: mean and range of its seeds at each place of the chart's grid; NaN where it has no value.</summary>
/// <param name="Policy">Whose line it is.</param>
/// <param name="Mean">Mean of the seeds.</param>
/// <param name="Low">Least of the seeds.</param>
/// <param name="High">Greatest of the seeds.</param>
internal sealed record Series(PolicyStyle Policy, double[] Mean, double[] Low, double[] High)
{
    /// <summary>The last place that has a value, or -1.</summary>
    public int Last => Array.FindLastIndex(Mean, double.IsFinite);

    /// <summary>Whether the seeds differ anywhere.</summary>
    public bool HasBand => Low.Zip(High).Any(p => p.Second > p.First);
}
