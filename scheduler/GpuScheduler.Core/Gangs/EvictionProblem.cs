using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>Room to be made for a gang of whole GPUs, by evicting jobs whole or not at all, inside one domain of its required level.</summary>
public sealed record EvictionProblem
{
    /// <summary>The gang and the cluster with everybody on it, counted (<see cref="WholeGpuCapacity"/>). The gang's minima are made room for.</summary>
    public required GangProblem Gang { get; init; }

    /// <summary>Jobs that may be evicted.</summary>
    public required ImmutableArray<EvictionVictim> Victims { get; init; }

    /// <summary>Null when the problem is well formed, else what is wrong with it.</summary>
    public string? Fault()
    {
        if (Gang.Fault() is { } fault)
        {
            return fault;
        }

        if (Gang.Capacity is not WholeGpuCapacity)
        {
            return "room is made for gangs of whole GPUs only";
        }

        foreach (var victim in Victims)
        {
            if (victim.Cost < 1)
            {
                return $"job {victim.Name}: an eviction that costs {victim.Cost} is none";
            }

            foreach (var hold in victim.Holds)
            {
                if ((uint)hold.Position >= (uint)Gang.Topology.Positions || Gang.Topology.PlaceOf(hold.Position) < 0)
                {
                    return $"job {victim.Name}: there is no node at position {hold.Position}";
                }
            }
        }

        return null;
    }
}
