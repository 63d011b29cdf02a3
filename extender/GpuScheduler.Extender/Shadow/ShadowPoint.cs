namespace GpuScheduler.Extender.Shadow;

/// <summary>What the chart shows of one moment.</summary>
/// <param name="Time">When.</param>
/// <param name="Idle">GPUs left, by side in the order of <see cref="ShadowView.Sides"/>.</param>
/// <param name="Waiting">GPUs that are waited for, in the same order.</param>
internal sealed record ShadowPoint(DateTimeOffset Time, double[] Idle, double[] Waiting);
