using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Tests.Devices;

/// <summary>Asks the allocator in the service's order, for tests to which the pod does not matter.</summary>
internal static class Picks
{
    public static bool TryPick(GpuRequest request, NodeInfo node, out DevicePick pick, out Status status) =>
        DeviceAllocator.TryPick(new PodInfo { Uid = "p", Namespace = "default", Name = "p", Request = request }, node, LeastSliver.Instance, out pick, out status);
}
