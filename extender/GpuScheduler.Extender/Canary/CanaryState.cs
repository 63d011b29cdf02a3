using GpuScheduler.Core.Trials;

namespace GpuScheduler.Extender.Canary;

/// <summary>How a canary stands. Immutable, but for what its judge counts.</summary>
/// <param name="Key">What it is made of: as long as this stays the same, it is the same canary.</param>
/// <param name="Options">Its settings.</param>
/// <param name="Policy">Its policy.</param>
/// <param name="Judge">Watches it.</param>
/// <param name="Since">When it began.</param>
internal sealed record CanaryState(string Key, CanaryOptions Options, string Policy, CanaryJudge Judge, DateTimeOffset Since)
{
    /// <summary>Why it was withdrawn; null while it serves.</summary>
    public CanaryWithdrawal? Withdrawn { get; init; }
}
