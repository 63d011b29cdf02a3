namespace GpuScheduler.Core.Gangs;

/// <summary>A number of members that belongs to a level of the network.</summary>
/// <param name="Level">Number of the level, as <see cref="Cluster.NetworkTopology"/> counts them.</param>
/// <param name="Members">How many members, at least 1.</param>
public readonly record struct GangSpan(int Level, int Members);
