using GpuScheduler.Core.Trials;

namespace GpuScheduler.Extender.Canary;

/// <summary>That a canary was withdrawn.</summary>
/// <param name="At">When.</param>
/// <param name="Verdict">For what.</param>
/// <param name="Why">The same with figures, for people.</param>
/// <param name="Figures">How it did.</param>
internal sealed record CanaryWithdrawal(DateTimeOffset At, CanaryVerdict Verdict, string Why, CanaryFigures Figures);
