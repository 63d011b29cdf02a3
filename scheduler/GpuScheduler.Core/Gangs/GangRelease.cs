using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>A member whose gate is to be removed.</summary>
/// <param name="Pod">The member.</param>
/// <param name="Node">
/// The node to which it is to be fixed in the same write, so that its place is known to all from then on; null to leave that to
/// kube-scheduler, for members without GPUs and for those whose demands only kube-scheduler can judge.
/// </param>
public sealed record GangRelease(PodInfo Pod, string? Node);
