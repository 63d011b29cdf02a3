namespace GpuScheduler.Solver.CpSat;

/// <summary>What the optimizer found.</summary>
/// <param name="Status">What is known of it.</param>
/// <param name="Values">Values of the variables by their number; null when no solution was found.</param>
/// <param name="Objective">Value of the objective; 0 without a solution.</param>
/// <param name="Bound">What no solution surpasses; meaningless when nothing was proven (then <see cref="HasBound"/> is false).</param>
/// <param name="HasBound">True when the bound holds.</param>
internal sealed record CpSatResult(CpSatStatus Status, long[]? Values, long Objective, double Bound, bool HasBound)
{
    /// <summary>Nothing was found, and nothing proven.</summary>
    public static CpSatResult Nothing { get; } = new(CpSatStatus.Unknown, null, 0, 0, HasBound: false);
}
