namespace GpuScheduler.Core.Framework;

/// <summary>How much each part of a score counts, relative to the others. All are 0 or more and not all 0.</summary>
public sealed record ScoreWeights
{
    /// <summary>Links between the GPUs that the pod gets.</summary>
    public double Topology { get; init; } = 0.3;

    /// <summary>GPU that the pods to come could no longer use.</summary>
    public double Stranding { get; init; } = 0.7;

    /// <summary>
    /// How near the data of the pod are; counts for pods that name data (<see cref="Requests.GpuAnnotations.Data"/>) alone. With the
    /// defaults all of the data outweigh 0.4 GPU stranded: data are moved in minutes, and what is stranded is so for as long as the pod runs.
    /// </summary>
    public double Locality { get; init; } = 0.1;
}
