using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Mig;

/// <summary>
/// A good plan quickly: again and again the option that serves the most of what is still asked for, first of those that disturb
/// nothing, then of the others by what they serve for each GPU disturbed, or in all, whichever comes out better. What the chosen devices
/// serve is then counted exactly.
/// </summary>
internal static class MigGreedy
{
    public const string Method = "greedy";

    public static MigPlan Plan(MigProblem problem)
    {
        var sparing = Plan(problem, perGpu: true);
        var eager = Plan(problem, perGpu: false);
        return eager.IsBetterThan(sparing) ? eager : sparing;
    }

    private static MigPlan Plan(MigProblem problem, bool perGpu)
    {
        var left = problem.Demands.Select(d => (long)d.Count).ToArray();
        var units = problem.Units.Select(u => u.Count).ToArray();
        var chosen = problem.Units.Select(u => new int[u.Options.Length]).ToArray();
        var order = problem.Slots.Select(s => s.OrderByDescending(d => problem.Demands[d].Worth).ToArray()).ToArray();
        var taken = new long[left.Length];
        Choose(int.MaxValue, disturbing: false);
        Choose(problem.MostChanges, disturbing: true);
        return Of(problem, chosen, Method);

        void Choose(int changes, bool disturbing)
        {
            while (changes > 0)
            {
                var (best, at, which) = (0.0, -1, -1);
                for (var u = 0; u < units.Length; u++)
                {
                    for (var o = 0; o < chosen[u].Length && units[u] > 0; o++)
                    {
                        var option = problem.Units[u].Options[o];
                        if (option.Disturbed > 0 == disturbing && Gain(option) is > 0 and var gain && (disturbing && perGpu ? gain / (double)option.Disturbed : gain) is var value && value > best)
                        {
                            (best, at, which) = (value, u, o);
                        }
                    }
                }

                if (at < 0)
                {
                    return;
                }

                // As many of them as serve the same: one more than enough would be chosen again anyway.
                Gain(problem.Units[at].Options[which]);
                var times = (long)Math.Min(units[at], changes);
                for (var d = 0; d < left.Length; d++)
                {
                    times = taken[d] > 0 ? Math.Min(times, left[d] / taken[d]) : times;
                }

                for (var d = 0; d < left.Length; d++)
                {
                    left[d] -= taken[d] * times;
                }

                chosen[at][which] += (int)times;
                units[at] -= (int)times;
                changes -= disturbing ? (int)times : 0;
            }
        }

        long Gain(MigOption option)
        {
            Array.Clear(taken);
            var gain = 0L;
            for (var s = 0; s < order.Length; s++)
            {
                long free = option.Supply[s];
                for (var i = 0; i < order[s].Length && free > 0; i++)
                {
                    var d = order[s][i];
                    var some = Math.Min(free, left[d] - taken[d]);
                    taken[d] += some;
                    free -= some;
                    gain += some * problem.Demands[d].Worth;
                }
            }

            return gain;
        }
    }

    /// <summary>The plan that chooses so many units, without a proof of more than that it can be done.</summary>
    public static MigPlan Of(MigProblem problem, int[][] chosen, string method)
    {
        var supply = new long[problem.Slots.Length];
        var disturbed = 0L;
        for (var u = 0; u < chosen.Length; u++)
        {
            for (var o = 0; o < chosen[u].Length; o++)
            {
                var option = problem.Units[u].Options[o];
                disturbed += (long)option.Disturbed * chosen[u][o];
                for (var s = 0; s < supply.Length; s++)
                {
                    supply[s] += (long)option.Supply[s] * chosen[u][o];
                }
            }
        }

        var (served, worth) = MigFlow.Serve(problem, supply);
        var all = problem.Demands.Sum(d => d.Count * d.Worth);
        var proof = worth == all && disturbed == 0
            ? new Proof(ProofStatus.Optimal, "bound", worth, all, "", TimeSpan.Zero)
            : new Proof(ProofStatus.Feasible, method, worth, all, "", TimeSpan.Zero);
        return new MigPlan([.. chosen.Select(c => c.ToImmutableArray())], served, worth, disturbed, proof);
    }
}
