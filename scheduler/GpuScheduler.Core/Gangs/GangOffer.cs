namespace GpuScheduler.Core.Gangs;

/// <summary>The nodes that kube-scheduler offered a member: those that its own filters passed.</summary>
/// <param name="Nodes">Names of the nodes.</param>
/// <param name="At">When.</param>
internal sealed record GangOffer(HashSet<string> Nodes, DateTimeOffset At);
