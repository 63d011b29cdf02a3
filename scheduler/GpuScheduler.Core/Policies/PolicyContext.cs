using GpuScheduler.Core.Fragmentation;

namespace GpuScheduler.Core.Policies;

/// <summary>What a policy may need beside the pod and the node.</summary>
public sealed record PolicyContext
{
    /// <summary>The pods that are expected; null for a policy that learns them from what arrives.</summary>
    public ITypicalPodsSource? TypicalPods { get; init; }

    /// <summary>Seed of what is left to chance.</summary>
    public ulong Seed { get; init; }
}
