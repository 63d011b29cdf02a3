using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>Gangs that wait at the same time and want the same nodes.</summary>
public sealed record GangBatch
{
    /// <summary>The network.</summary>
    public required NetworkTopology Topology { get; init; }

    /// <summary>What the nodes can take. Roles are numbered through all gangs: those of the first one, then those of the second, and so on.</summary>
    public required IGangCapacity Capacity { get; init; }

    /// <summary>The gangs, in the order in which they would be served one by one: by priority, then by age.</summary>
    public required ImmutableArray<BatchGang> Gangs { get; init; }

    /// <summary>Seed of everything that is drawn by chance.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Null when the batch is well formed, else what is wrong with it.</summary>
    public string? Fault()
    {
        foreach (var gang in Gangs)
        {
            if (gang.Weight < 1)
            {
                return $"gang {gang.Name}: a weight of {gang.Weight} is not worth placing";
            }

            var problem = new GangProblem { Topology = Topology, Capacity = Capacity, Roles = gang.Roles, RequiredLevel = gang.RequiredLevel, PreferredLevel = gang.PreferredLevel };
            if (problem.Fault() is { } fault)
            {
                return $"gang {gang.Name}: {fault}";
            }
        }

        return null;
    }
}
