using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Mig;

/// <summary>Requests for GPUs of one geometry on which devices are made on demand: which of them fit beside what is there.</summary>
public static class MigRepack
{
    /// <summary>The question for an <see cref="IMigSolver"/>: a class of units for each set of taken slices, an option for each maximal layout beside it.</summary>
    /// <param name="geometry">The profiles.</param>
    /// <param name="taken">Slices taken on each GPU, as bits.</param>
    /// <param name="wanted">How many devices of each profile are asked for, by index.</param>
    public static MigProblem ProblemOf(MigGeometry geometry, IReadOnlyList<byte> taken, IReadOnlyList<int> wanted)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        ArgumentNullException.ThrowIfNull(taken);
        ArgumentNullException.ThrowIfNull(wanted);
        var some = Enumerable.Range(0, geometry.Profiles.Length).Where(p => wanted[p] > 0).ToHashSet();
        return new MigProblem
        {
            Demands = [.. geometry.Profiles.Select((p, i) => new MigDemand(p.Name, wanted[i], p.MemorySlices))],
            Slots = [.. geometry.Profiles.Select((_, i) => ImmutableArray.Create(i))],
            Units = [.. Classes(taken).Select(c => new MigUnits(c.Count(), [.. MigPatterns.Maximal(geometry, c.Key, false, some).Select(p => new MigOption("", p, 0))]))],
        };
    }

    /// <summary>The plan of placing the largest first, each where the value of the GPUs falls least.</summary>
    public static MigPlan ByValueTable(MigGeometry geometry, IReadOnlyList<byte> taken, MigProblem problem)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        ArgumentNullException.ThrowIfNull(taken);
        ArgumentNullException.ThrowIfNull(problem);
        var fleet = new MigFleet(geometry, taken);
        var added = taken.Select(_ => new int[geometry.Profiles.Length]).ToArray();
        foreach (var profile in Enumerable.Range(0, geometry.Profiles.Length).OrderByDescending(p => geometry.Profiles[p].MemorySlices))
        {
            for (var n = 0; n < problem.Demands[profile].Count && fleet.TryPlace(profile, MigChoice.ValueTable, out var gpu, out _); n++)
            {
                added[gpu][profile]++;
            }
        }

        // Every layout is part of a maximal one of its class.
        var chosen = problem.Units.Select(u => new int[u.Options.Length]).ToArray();
        var classOf = Classes(taken).Select((c, i) => (c.Key, Index: i)).ToDictionary(c => c.Key, c => c.Index);
        for (var gpu = 0; gpu < added.Length; gpu++)
        {
            var units = classOf[taken[gpu]];
            for (var o = 0; o < chosen[units].Length && added[gpu].Sum() > 0; o++)
            {
                if (problem.Units[units].Options[o].Supply.Zip(added[gpu]).All(s => s.First >= s.Second))
                {
                    chosen[units][o]++;
                    break;
                }
            }
        }

        return MigGreedy.Of(problem, chosen, "value table");
    }

    private static IEnumerable<IGrouping<byte, byte>> Classes(IReadOnlyList<byte> taken) => taken.GroupBy(t => t).OrderBy(g => g.Key);
}
