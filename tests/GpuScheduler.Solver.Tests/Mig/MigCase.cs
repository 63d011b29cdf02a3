using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;

namespace GpuScheduler.Solver.Tests.Mig;

/// <summary>Small random problems, and the best plan by trying all.</summary>
internal static class MigCase
{
    public static MigProblem Draw(Random random)
    {
        var demands = Enumerable.Range(0, random.Next(1, 4)).Select(d => new MigDemand($"d{d}", random.Next(0, 6), random.Next(1, 9))).ToList();
        var slots = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Enumerable.Range(0, demands.Count).Where(_ => random.Next(3) > 0).ToArray()).ToList();
        var units = Enumerable.Range(0, random.Next(1, 4)).Select(_ => new MigUnits(
            random.Next(0, 3),
            [.. Enumerable.Range(0, random.Next(1, 4)).Select(o => new MigOption($"o{o}", [.. slots.Select(_ => random.Next(3) == 0 ? random.Next(1, 4) : 0)], random.Next(3) == 0 ? 0 : random.Next(1, 5)))])).ToList();
        return new MigProblem
        {
            Demands = [.. demands],
            Slots = [.. slots.Select(s => (System.Collections.Immutable.ImmutableArray<int>)[.. s])],
            Units = [.. units],
            MostChanges = random.Next(3) == 0 ? random.Next(0, 3) : int.MaxValue,
        };
    }

    /// <summary>The most worth, and the fewest GPUs disturbed for it.</summary>
    public static (long Worth, long Disturbed) Best(MigProblem problem)
    {
        var best = (Worth: -1L, Disturbed: 0L);
        var served = new Dictionary<string, long>();
        Choose(0, 0, problem.Units.IsEmpty ? 0 : problem.Units[0].Count, new int[problem.Slots.Length], 0, 0);
        return best;

        void Choose(int unit, int option, int left, int[] supply, long disturbed, int changes)
        {
            if (unit == problem.Units.Length)
            {
                var key = string.Join(',', supply);
                if (!served.TryGetValue(key, out var worth))
                {
                    served[key] = worth = Serve(problem, 0, 0, supply, [.. problem.Demands.Select(d => d.Count)]);
                }

                if (worth > best.Worth || (worth == best.Worth && disturbed < best.Disturbed))
                {
                    best = (worth, disturbed);
                }

                return;
            }

            if (option == problem.Units[unit].Options.Length)
            {
                Choose(unit + 1, 0, unit + 1 < problem.Units.Length ? problem.Units[unit + 1].Count : 0, supply, disturbed, changes);
                return;
            }

            var chosen = problem.Units[unit].Options[option];
            for (var n = 0; n <= left; n++)
            {
                var after = changes + (chosen.Disturbed > 0 ? n : 0);
                if (after <= problem.MostChanges)
                {
                    Choose(unit, option + 1, left - n, [.. supply.Select((s, i) => s + (n * chosen.Supply[i]))], disturbed + (n * (long)chosen.Disturbed), after);
                }
            }
        }
    }

    /// <summary>Slot by slot, every way to give its devices to demands.</summary>
    private static long Serve(MigProblem problem, int slot, int at, int[] supply, int[] wanted)
    {
        if (slot == supply.Length)
        {
            return 0;
        }

        if (at == problem.Slots[slot].Length || supply[slot] == 0)
        {
            return Serve(problem, slot + 1, 0, supply, wanted);
        }

        var demand = problem.Slots[slot][at];
        var best = 0L;
        for (var n = 0; n <= Math.Min(supply[slot], wanted[demand]); n++)
        {
            supply[slot] -= n;
            wanted[demand] -= n;
            best = Math.Max(best, (n * problem.Demands[demand].Worth) + Serve(problem, slot, at + 1, supply, wanted));
            supply[slot] += n;
            wanted[demand] += n;
        }

        return best;
    }
}
