using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>A pod that has to be deleted so that a gang gets its place.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="For">The gang.</param>
public sealed record GangEviction(PodInfo Pod, GangKey For);
