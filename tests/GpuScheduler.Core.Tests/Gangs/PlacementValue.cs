namespace GpuScheduler.Core.Tests.Gangs;

/// <summary>By what a placement is judged.</summary>
/// <param name="Members">Members placed, fixed ones included.</param>
/// <param name="Level">Level of the common domain.</param>
/// <param name="Domain">The common domain.</param>
/// <param name="Room">All the room in it.</param>
/// <param name="First">Domains used just inside it.</param>
/// <param name="Inside">Domains used by level, outermost first, then stranding and nodes in the order of the objective.</param>
internal sealed record PlacementValue(int Members, int Level, int Domain, int Room, int First, long[] Inside);
