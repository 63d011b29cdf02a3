using GpuScheduler.Core.Fragmentation;

namespace GpuScheduler.Simulator.Runs;

/// <summary>Where policies have their typical pods from.</summary>
/// <param name="Name">As given: trace, arrived, or the name of another trace.</param>
/// <param name="Fixed">The typical pods of another trace; null for the trace's own, or for learning.</param>
internal sealed record TypicalFrom(string Name, TypicalPods? Fixed = null)
{
    /// <summary>The trace itself, as the published experiment has it.</summary>
    public static TypicalFrom Trace { get; } = new("trace");

    /// <summary>Learned from the pods that have arrived so far.</summary>
    public static TypicalFrom Arrived { get; } = new("arrived");
}
