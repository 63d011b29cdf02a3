using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>What a look at all gangs leaves to be done.</summary>
/// <param name="ToEvict">Pods to delete.</param>
/// <param name="ToRelease">Members whose gate is to be removed.</param>
/// <param name="ToWake">Pods that kube-scheduler is to look at again.</param>
/// <param name="EndedBatch">True when what was planned for several gangs together was taken over in it.</param>
/// <param name="IsIdle">True when there was no gang, before and after.</param>
public sealed record GangTurn(IReadOnlyList<GangEviction> ToEvict, IReadOnlyList<GangRelease> ToRelease, IReadOnlyList<PodInfo> ToWake, bool EndedBatch, bool IsIdle);
