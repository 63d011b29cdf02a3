using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Decisions;

/// <summary>A pod that was decided on and is not bound since.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Since">When it was decided on first.</param>
/// <param name="Last">The last decision about it.</param>
/// <param name="WasRefused">True when it was refused at least once; else it has only passed, and waits for its bind.</param>
internal sealed record WaitingPod(PodInfo Pod, DateTimeOffset Since, DecisionRecord Last, bool WasRefused);
