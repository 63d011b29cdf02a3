namespace GpuScheduler.Core.Gangs;

/// <summary>The best way to place several roles in one domain.</summary>
/// <param name="Status">What is known: optimal, feasible, infeasible, or undecided.</param>
/// <param name="Objective">The value placed, or the domains used on the level just inside.</param>
/// <param name="Bound">A bound on it.</param>
/// <param name="Added">Members by role and place; null when none was found or asked for.</param>
internal sealed record RoleAnswer(ProofStatus Status, long Objective, long Bound, int[][]? Added)
{
    public static RoleAnswer None { get; } = new(ProofStatus.Infeasible, 0, 0, null);

    public static RoleAnswer Unknown(long bound) => new(ProofStatus.Undecided, 0, bound, null);

    public bool IsFound => Status is ProofStatus.Optimal or ProofStatus.Feasible;
}
