using System.Collections.Immutable;

namespace GpuScheduler.Core.Mig;

/// <summary>
/// Which units to cut how, so that the most of what is asked for is served: most worth first, then fewest GPUs disturbed. It speaks of
/// neither nodes nor geometries, and its size depends on how many units differ, not on how many there are.
/// </summary>
public sealed record MigProblem
{
    /// <summary>What is asked for.</summary>
    public required ImmutableArray<MigDemand> Demands { get; init; }

    /// <summary>Kinds of devices, each by the demands that it can serve, one at a time.</summary>
    public required ImmutableArray<ImmutableArray<int>> Slots { get; init; }

    /// <summary>The units.</summary>
    public required ImmutableArray<MigUnits> Units { get; init; }

    /// <summary>Most units that may be disturbed.</summary>
    public int MostChanges { get; init; } = int.MaxValue;

    /// <summary>Why this cannot be solved; null when it can.</summary>
    public string? Fault()
    {
        if (Demands.Any(d => d.Count < 0 || d.Worth < 1))
        {
            return "a demand has to have a count of at least 0 and a worth of at least 1";
        }

        if (Slots.Any(s => s.IsDefault || s.Any(d => (uint)d >= (uint)Demands.Length)))
        {
            return "a kind of slot names a demand that does not exist";
        }

        return Units.Any(u => u.Count < 0 || u.Options.Any(o => o.Disturbed < 0 || o.Supply.Length != Slots.Length || o.Supply.Any(s => s < 0)))
            ? "units have to be at least 0, and an option has to say for every kind of slot how many it has"
            : MostChanges < 0 ? "the most changes have to be at least 0" : null;
    }
}
