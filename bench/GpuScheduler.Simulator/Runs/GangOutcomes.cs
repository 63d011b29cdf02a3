namespace GpuScheduler.Simulator.Runs;

/// <summary>What became of the gangs of a timed run.</summary>
internal sealed record GangOutcomes
{
    /// <summary>How long they waited.</summary>
    public required Waits Waits { get; init; }

    /// <summary>Mean number of racks that a gang which started was spread over; null when none started or the cluster has no level above the nodes.</summary>
    public required double? Racks { get; init; }

    /// <summary>Mean number of nodes of a gang that started; null when none did.</summary>
    public required double? Nodes { get; init; }
}
