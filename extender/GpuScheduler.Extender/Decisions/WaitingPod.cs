using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Decisions;

/// <summary>A pod that was refused and is not bound since.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Since">When it was refused first.</param>
/// <param name="Last">The last decision about it.</param>
internal sealed record WaitingPod(PodInfo Pod, DateTimeOffset Since, DecisionRecord Last);
