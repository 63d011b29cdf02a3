using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>Which words on a pod say how close members have to be; see <see cref="GangTopology"/>.</summary>
internal sealed record TopologyFields
{
    public required ImmutableArray<PodField> Required { get; init; }

    public required ImmutableArray<PodField> Preferred { get; init; }

    public required ImmutableArray<PodField> SegmentSize { get; init; }

    public required ImmutableArray<PodField> SegmentRequired { get; init; }

    public ImmutableArray<PodField> SegmentPreferred { get; init; } = [];
}
