namespace GpuScheduler.Core.Trials;

/// <summary>How badly a canary may do.</summary>
/// <param name="Window">Over how long is compared.</param>
/// <param name="MinPods">So many pods of either profile have to be decided within the window before refusals are judged.</param>
/// <param name="MaxRefusalIncrease">By how much more of its pods a canary may refuse at first than the other profile does of pods that ask for as much, from 0 to 1.</param>
/// <param name="MinDecisions">So many decisions of the canary have to be made within the window before its time is judged.</param>
/// <param name="MaxLatency">How long all but one of a hundred of its decisions may take.</param>
public sealed record CanaryLimits(TimeSpan Window, int MinPods, double MaxRefusalIncrease, int MinDecisions, TimeSpan MaxLatency);
