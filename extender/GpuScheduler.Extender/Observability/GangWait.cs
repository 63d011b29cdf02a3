using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Extender.Observability;

/// <summary>A gang that is not running yet.</summary>
/// <param name="Gang">Which.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Since">Since when it is not running.</param>
/// <param name="InState">Since when it stands there.</param>
internal sealed record GangWait(GangKey Gang, GangState State, DateTimeOffset Since, DateTimeOffset InState);
