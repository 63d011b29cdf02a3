using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Plugins;

/// <summary>
/// The devices asked for are free. A refusal says whether removing pods could cure it: it could not when the pod would not fit the
/// empty node either, or when only a tentative hold is in the way. Which pods may be removed, by priority and disruption budget, is
/// kube-scheduler's to decide; it looks at nodes without pods of lower priority no further.
/// </summary>
internal sealed class GpuFit : IFilterPlugin
{
    public string Name => "GpuFit";

    public Status Filter(CycleState state, NodeInfo node)
    {
        if (DeviceAllocator.Fits(state.Request, node, out var now))
        {
            return Status.Success;
        }

        if (node.HasTentative && DeviceAllocator.Fits(state.Request, node.Firm, out _))
        {
            return Reasons.Held;
        }

        return DeviceAllocator.Fits(state.Request, node.Facts.Empty, out var ever) ? now : Lasting(state.Request, node.Facts.Empty, ever);
    }

    private static Status Lasting(GpuRequest request, NodeInfo empty, Status ever)
    {
        if (!empty.Facts.Serves(request))
        {
            return request.ShareCount > 0 ? Reasons.NoSharing : Reasons.NoWhole;
        }

        if (request.LimitsUuids && DeviceAllocator.Fits(request with { Uuids = [], AvoidedUuids = [] }, empty, out _))
        {
            return Reasons.Uuid;
        }

        if (request.MinGpuMemoryMiB > 0 && LacksMemory(request, empty))
        {
            return Reasons.Memory;
        }

        return ever == Reasons.FewFreeGpus ? Reasons.TooFewGpus
            : ever == Reasons.FreeGpusNotLinked ? Reasons.NoNvlink
            : ever == Reasons.NoFreeMig ? Reasons.NoMig
            : Reasons.NoShare;
    }

    private static bool LacksMemory(GpuRequest request, NodeInfo empty) =>
        !request.Mig.IsEmpty
            ? DeviceAllocator.Fits(request with { MinGpuMemoryMiB = 0 }, empty, out _)
            : BitOperations.PopCount(empty.Facts.WithMemory(empty.Facts.WholeMask, request.MinGpuMemoryMiB)) < BitOperations.PopCount(empty.Facts.WholeMask);
}
