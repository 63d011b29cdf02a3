using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Mig;

/// <summary>The answer to a <see cref="MigProblem"/>.</summary>
/// <param name="Chosen">How many units get which option, by class of units and option.</param>
/// <param name="Served">How many requests of each demand have a device then.</param>
/// <param name="Worth">What that is worth.</param>
/// <param name="Disturbed">GPUs whose layout changes.</param>
/// <param name="Proof">How good that is, in worth.</param>
public sealed record MigPlan(ImmutableArray<ImmutableArray<int>> Chosen, ImmutableArray<int> Served, long Worth, long Disturbed, Proof Proof)
{
    /// <summary>True when it serves more, or as much and disturbs fewer GPUs.</summary>
    public bool IsBetterThan(MigPlan other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Worth != other.Worth ? Worth > other.Worth : Disturbed < other.Disturbed;
    }

    /// <summary>What is wrong with it as an answer to a problem; null when nothing is.</summary>
    public string? FaultFor(MigProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var supply = new long[problem.Slots.Length];
        var (disturbed, changes) = (0L, 0L);
        for (var u = 0; u < problem.Units.Length; u++)
        {
            if (Chosen[u].Sum() > problem.Units[u].Count || Chosen[u].Any(n => n < 0))
            {
                return "more units are used than there are";
            }

            for (var o = 0; o < Chosen[u].Length; o++)
            {
                var option = problem.Units[u].Options[o];
                disturbed += (long)option.Disturbed * Chosen[u][o];
                changes += option.Disturbed > 0 ? Chosen[u][o] : 0;
                for (var s = 0; s < supply.Length; s++)
                {
                    supply[s] += (long)option.Supply[s] * Chosen[u][o];
                }
            }
        }

        return changes > problem.MostChanges ? "more units are disturbed than may be"
            : disturbed != Disturbed ? "the GPUs disturbed are not those said"
            : Worth != Served.Select((n, d) => n * problem.Demands[d].Worth).Sum() ? "the worth is not that said"
            : MigFlow.Serve(problem, supply).Worth < Worth ? "more is served than there are devices for"
            : null;
    }
}
