using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Cluster;

/// <summary>What a pod holds according to the kubelet of its node.</summary>
/// <param name="Namespace">Namespace of the pod.</param>
/// <param name="Pod">Name of the pod; the kubelet does not tell UIDs.</param>
/// <param name="Devices">The whole GPUs and MIG devices.</param>
/// <param name="IsComplete">False when it also holds something that the report does not list, or that other pods hold, too.</param>
public sealed record HeldDevices(string Namespace, string Pod, DeviceAssignment Devices, bool IsComplete);
