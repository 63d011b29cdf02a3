using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Planning;

/// <summary>Which nodes, of the kinds that the cluster has, would let run what waits.</summary>
public sealed record CapacityShortfall
{
    /// <summary>The nodes to add; empty when none would help, or none is needed.</summary>
    public required ImmutableArray<NodesToAdd> Add { get; init; }

    /// <summary>
    /// True when no fewer nodes do, as the engine places what waits: one after another, the most urgent first; false when there may be fewer,
    /// but not below <see cref="AtLeast"/>.
    /// </summary>
    public required bool IsFewest { get; init; }

    /// <summary>So many nodes it takes at least.</summary>
    public required int AtLeast { get; init; }

    /// <summary>What has room as the cluster is: it waits for its turn, for kube-scheduler, or for nodes that are kept.</summary>
    public required ImmutableArray<WorkOutcome> HaveRoom { get; init; }

    /// <summary>What would run with the nodes added, and where.</summary>
    public required ImmutableArray<WorkOutcome> Helped { get; init; }

    /// <summary>What no number of nodes of the present kinds would let run, and why.</summary>
    public required ImmutableArray<WorkOutcome> NotHelped { get; init; }

    /// <summary>What was not looked at any more, because the time was over.</summary>
    public required ImmutableArray<WorkItem> NotTried { get; init; }
}
