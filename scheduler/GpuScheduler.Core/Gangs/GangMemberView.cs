using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Gangs;

/// <summary>A member of a gang, and what it holds.</summary>
/// <param name="Name">Name of the pod.</param>
/// <param name="Uid">UID of the pod.</param>
/// <param name="Role">Its part in the gang; empty when there are none.</param>
/// <param name="WantsGpu">False for a member that is counted, but has no place in the plan.</param>
/// <param name="Allocation">What it holds; null for nothing.</param>
/// <param name="WaitsAtBind">True while it waits at bind for others.</param>
public sealed record GangMemberView(string Name, string Uid, string Role, bool WantsGpu, Allocation? Allocation, bool WaitsAtBind);
