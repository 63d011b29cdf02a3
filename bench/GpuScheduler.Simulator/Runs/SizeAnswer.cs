namespace GpuScheduler.Simulator.Runs;

/// <summary>How many nodes are needed.</summary>
/// <param name="Policy">With which policy.</param>
/// <param name="Nodes">So many are enough, and one less is not.</param>
/// <param name="Steps">The numbers that were tried, in that order.</param>
internal sealed record SizeAnswer(string Policy, int Nodes, IReadOnlyList<SizeStep> Steps)
{
    /// <summary>The step of the answer.</summary>
    public SizeStep Final => Steps.Last(s => s.Nodes == Nodes);
}
