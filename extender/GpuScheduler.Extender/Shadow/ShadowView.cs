using System.Collections.Immutable;

namespace GpuScheduler.Extender.Shadow;

/// <summary>What is to be seen of a comparison at one moment. Never changes.</summary>
internal sealed record ShadowView
{
    /// <summary>What became of the pods in the cluster.</summary>
    public const string Live = "live";

    /// <summary>What the serving profile makes of the same pods under the same rules.</summary>
    public const string Control = "control";

    /// <summary>What the profile in question makes of them.</summary>
    public const string Shadow = "shadow";

    /// <summary>When the comparison began.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>When this was looked at.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Pods that arrived since, and have not ended.</summary>
    public required int Pods { get; init; }

    /// <summary>The sides by name, the shadow last and the one that it is compared with before it.</summary>
    public required ImmutableArray<(string Name, SideFigures Figures)> Sides { get; init; }

    /// <summary>Where the pods are.</summary>
    public required ShadowPlaces Places { get; init; }

    /// <summary>Pods that were decided differently, the last first.</summary>
    public required ImmutableArray<ShadowDifference> Differences { get; init; }

    /// <summary>The course so far.</summary>
    public required ImmutableArray<ShadowPoint> History { get; init; }

    /// <summary>The side that the shadow is compared with.</summary>
    public (string Name, SideFigures Figures) Reference => Sides[^2];

    /// <summary>The figure of the shadow less that of <see cref="Reference"/>; null where one is not known.</summary>
    public double? Difference(ShadowFigure figure) => figure.Of(Sides[^1].Figures) - figure.Of(Reference.Figures);
}
