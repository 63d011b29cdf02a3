namespace GpuScheduler.Core.Gangs;

/// <summary>How many members of each role are to be added, and what they are worth.</summary>
/// <param name="Least">At least so many, by role.</param>
/// <param name="Most">At most so many, by role.</param>
/// <param name="Value">What one is worth, by role; at least 1.</param>
/// <param name="LeastValue">What all have to be worth together.</param>
internal sealed record RoleQuestion(int[] Least, int[] Most, int[] Value, long LeastValue);
