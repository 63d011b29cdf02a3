namespace GpuScheduler.Core.Framework;

/// <summary>How much each part of a score counts, relative to the others. All are 0 or more and not all 0.</summary>
public sealed record ScoreWeights
{
    /// <summary>Links between the GPUs that the pod gets.</summary>
    public double Topology { get; init; } = 0.3;

    /// <summary>What the pick spoils for later requests.</summary>
    public double Fragmentation { get; init; } = 0.5;

    /// <summary>How full the node is afterwards.</summary>
    public double Packing { get; init; } = 0.2;
}
