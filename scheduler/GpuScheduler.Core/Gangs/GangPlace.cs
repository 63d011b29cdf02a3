using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>The place of one member.</summary>
/// <param name="Pod">The member.</param>
/// <param name="Node">Name of the node.</param>
/// <param name="Devices">The devices there.</param>
public sealed record GangPlace(PodInfo Pod, string Node, DeviceAssignment Devices);
