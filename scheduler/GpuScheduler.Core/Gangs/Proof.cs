namespace GpuScheduler.Core.Gangs;

/// <summary>How good an answer is, and how that is known.</summary>
/// <param name="Status">What is known.</param>
/// <param name="Method">How: tree-dp, bound, cp-sat, counting, greedy.</param>
/// <param name="Objective">What the answer is worth, in the unit of the question.</param>
/// <param name="Bound">What no answer can surpass, in the same unit; equal to <see cref="Objective"/> when it is optimal.</param>
/// <param name="Why">For an infeasible or undecided one: why, in the fewest words that are true. Else empty.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record Proof(ProofStatus Status, string Method, long Objective, long Bound, string Why, TimeSpan Elapsed)
{
    /// <summary>Distance of objective and bound, in percent of the objective; 0 when optimal.</summary>
    public double GapPercent => Objective == Bound ? 0 : 100.0 * Math.Abs(Bound - Objective) / Math.Max(1, Math.Abs(Objective));

    /// <inheritdoc/>
    public override string ToString() => Status switch
    {
        ProofStatus.Optimal => $"optimal ({Method})",
        ProofStatus.Feasible => FormattableString.Invariant($"feasible ({Method}), bound {Bound}, gap {GapPercent:0.##} %"),
        ProofStatus.Infeasible => $"infeasible: {Why}",
        _ => $"undecided: {Why}",
    };
}
