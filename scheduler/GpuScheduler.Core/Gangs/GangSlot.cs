namespace GpuScheduler.Core.Gangs;

/// <summary>Members of one role on one node.</summary>
/// <param name="Role">The role.</param>
/// <param name="Position">Position of the node.</param>
/// <param name="Members">How many, at least 1.</param>
public readonly record struct GangSlot(int Role, int Position, int Members);
