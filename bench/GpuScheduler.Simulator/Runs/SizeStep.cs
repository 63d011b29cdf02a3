namespace GpuScheduler.Simulator.Runs;

/// <summary>A number of nodes that was tried.</summary>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Nodes">Nodes of the shape.</param>
/// <param name="Gpus">GPUs of the whole cluster.</param>
/// <param name="WaitMs">The wait, in milliseconds; the longest of the seeds.</param>
/// <param name="NeverStarted">Pods that never started; the most of the seeds.</param>
/// <param name="MeanAllocation">Mean allocation in %.</param>
/// <param name="Enough">Whether that is enough.</param>
internal sealed record SizeStep(string Policy, int Nodes, int Gpus, double WaitMs, int NeverStarted, double MeanAllocation, bool Enough)
{
    /// <summary>The runs.</summary>
    public required IReadOnlyList<RunResult> Results { get; init; }
}
