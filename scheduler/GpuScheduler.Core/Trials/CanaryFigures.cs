namespace GpuScheduler.Core.Trials;

/// <summary>How a canary does beside the other profile, within the window.</summary>
/// <param name="BasePods">Pods that the other profile decided for the first time, of kinds that both have had.</param>
/// <param name="BaseRefused">How many of these it refused.</param>
/// <param name="CanaryPods">The same of the canary.</param>
/// <param name="CanaryRefused">How many of these it refused.</param>
/// <param name="Increase">By how much more the canary refuses, pods of the same kind compared with each other; 0 when there is nothing to compare.</param>
/// <param name="Deviations">That increase in standard deviations of chance (Cochran, Mantel and Haenszel).</param>
/// <param name="Decisions">Decisions of the canary.</param>
/// <param name="Slow">How many of these took longer than they may.</param>
public readonly record struct CanaryFigures(long BasePods, long BaseRefused, long CanaryPods, long CanaryRefused, double Increase, double Deviations, long Decisions, long Slow);
