using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Tests.Devices;

/// <summary>Asks the allocator for the cards with the least left, for tests to which the pod does not matter.</summary>
internal static class Picks
{
    public static bool TryPick(GpuRequest request, NodeInfo node, out DevicePick pick, out Status status) =>
        DeviceAllocator.TryPick(new PodInfo { Uid = "p", Namespace = "default", Name = "p", Request = request }, node, LeastFree.Instance, out pick, out status);
}
