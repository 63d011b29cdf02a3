namespace GpuScheduler.Simulator.Runs;

/// <summary>How far a run lies from the published one.</summary>
/// <param name="Trace">Name of the trace.</param>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Points">Load points compared.</param>
/// <param name="Allocation">Largest difference of the allocation, in points of a percent; infinite when a point is missing.</param>
/// <param name="FragmentRatio">Largest difference of the ratio of fragments, in points of a percent.</param>
internal sealed record Deviation(string Trace, string Policy, long Seed, int Points, double Allocation, double FragmentRatio)
{
    /// <summary>Largest difference that the published rounding to two decimals explains, with what a double adds to it.</summary>
    public const double Tolerance = 0.01 + 1e-9;

    /// <summary>True when the published allocation is reproduced at every point.</summary>
    public bool IsFaithful => Allocation <= Tolerance;

    /// <summary>Compares a run.</summary>
    public static Deviation Of(FillOutcome run, PublishedCurves published) => new(
        published.Trace,
        published.Policy,
        published.Seed,
        published.Allocation.Count,
        published.Allocation.Max(p => run.At(p.Load) is { } point ? Math.Abs(point.Allocation - Math.Round(p.Percent, 2)) : double.PositiveInfinity),
        published.FragmentRatio.Select(p => run.At(p.Load) is { } point ? Math.Abs(point.FragmentRatio - p.Percent) : double.PositiveInfinity).DefaultIfEmpty(0).Max());
}
