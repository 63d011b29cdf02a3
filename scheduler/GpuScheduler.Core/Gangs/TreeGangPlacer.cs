using System.Collections.Concurrent;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Places gangs of identical pods, proven to be the best, by a dynamic program over the network tree. Thread-safe: each call takes
/// memory from a pool.
/// </summary>
public sealed class TreeGangPlacer
{
    private readonly ConcurrentBag<TreePlacer> _pool = [];

    /// <summary>True for the problems that it solves: those of one role.</summary>
    public static bool Handles(GangProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return problem.Roles.Length == 1;
    }

    /// <summary>Places a gang.</summary>
    /// <exception cref="ArgumentException">The problem is not well formed, or has several roles.</exception>
    public GangPlan Place(GangProblem problem, SolveLimit limit)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(limit);
        if ((problem.Fault() ?? (Handles(problem) ? null : "a gang of several roles is not for the tree")) is { } fault)
        {
            throw new ArgumentException(fault, nameof(problem));
        }

        var placer = _pool.TryTake(out var pooled) ? pooled : new TreePlacer();
        try
        {
            return placer.Place(problem, limit);
        }
        finally
        {
            _pool.Add(placer);
        }
    }
}
