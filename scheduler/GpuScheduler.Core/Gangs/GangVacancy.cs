using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>The place of a bound member that is gone.</summary>
/// <param name="Pod">The member.</param>
/// <param name="Node">Where it was.</param>
/// <param name="Until">How long the place is kept for the one that replaces it.</param>
internal sealed record GangVacancy(PodInfo Pod, string Node, DateTimeOffset Until);
