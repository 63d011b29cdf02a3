using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>
/// Which devices of a node a request gets. It is the one place that says so: filter asks whether there is a pick, score what it
/// costs, bind what it is.
/// </summary>
public static class DeviceAllocator
{
    /// <summary>
    /// Picks devices among those that are free.
    /// </summary>
    /// <param name="pod">Who asks; the models that it allows are not looked at here.</param>
    /// <param name="node">The node and its use.</param>
    /// <param name="order">Which card a share gets.</param>
    /// <param name="pick">The pick, when there is one.</param>
    /// <param name="status">Why there is none; <see cref="Status.Success"/> when there is one.</param>
    public static bool TryPick(PodInfo pod, NodeInfo node, IShareCardOrder order, out DevicePick pick, out Status status)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(order);
        var request = pod.Request;
        pick = default;
        status = Status.Success;
        if (request.WholeGpus > 0 && !TryPickWhole(request, node, ref pick, ref status))
        {
            return false;
        }

        if (request.ShareCount > 0 && !TryPickShares(pod, node, order, ref pick, ref status))
        {
            return false;
        }

        return request.Mig.IsEmpty || MigAllocator.TryPick(request, node, ref pick, ref status);
    }

    /// <summary>
    /// True when devices that were picked for a request earlier would still do, though not be the best: free, offered by the node as
    /// it is now, and within the constraints.
    /// </summary>
    public static bool IsStillGood(GpuRequest request, DeviceAssignment devices, NodeInfo node)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(node);
        var facts = node.Facts;
        var use = node.Use.ToArray();
        var mig = node.FreeMig.ToArray();
        var gpus = 0UL;
        foreach (var device in devices.Devices)
        {
            if ((uint)device.Gpu >= (uint)use.Length || !use[device.Gpu].Add(device, facts.Gpus[device.Gpu]) || !IsOffered(device, node, mig, request.MinGpuMemoryMiB))
            {
                return false;
            }

            gpus |= device.Mig is null ? 1UL << device.Gpu : 0;
        }

        return BitOperations.PopCount(gpus & node.IdleMask) <= node.FreeGpus
            && facts.Allowed(gpus, request) == gpus && facts.Serves(request)
            && (gpus == 0 || request.Nvlink != NvlinkRequirement.Required || facts.Sets.TryPick(gpus, BitOperations.PopCount(gpus), request.Nvlink, out _));
    }

    private static bool IsOffered(in AssignedDevice device, NodeInfo node, int[] freeMig, int leastMiB)
    {
        var facts = node.Facts;
        var gpu = facts.Gpus[device.Gpu];
        var bit = 1UL << device.Gpu;
        if (device.Mig is not { } mig)
        {
            return device.Uuid == gpu.Uuid && ((device.IsWhole ? node.IdleMask : node.ShareMask) & bit) != 0;
        }

        if ((facts.MigMask & bit) == 0 || facts.Geometry!.IndexOf(mig.Profile) is not (>= 0 and var index) || --freeMig[index] < 0)
        {
            return false;
        }

        var profile = facts.Geometry.Profiles[index];
        if (profile.MemorySlices != mig.Size || profile.MemoryMiB < leastMiB)
        {
            return false;
        }

        if (gpu.Mig == MigMode.OnDemand)
        {
            return profile.Starts.Contains(mig.Start);
        }

        foreach (var instance in gpu.Instances)
        {
            if (instance.Placement.Start == mig.Start && instance.Uuid == device.Uuid && facts.Geometry.IndexOf(instance.Placement.Profile) == index)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// True when there is a pick; which one is not worked out where counting tells. For filters, which ask this of thousands of nodes.
    /// </summary>
    public static bool Fits(GpuRequest request, NodeInfo node, out Status status)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(node);
        status = Status.Success;
        DevicePick pick = default;
        if (request.WholeGpus > 0)
        {
            if (request.Nvlink == NvlinkRequirement.Required)
            {
                if (!TryPickWhole(request, node, ref pick, ref status))
                {
                    return false;
                }
            }
            else if (!HasEnoughIdle(request, node, out _))
            {
                status = Reasons.FewFreeGpus;
                return false;
            }
        }

        return (request.ShareCount == 0 || SharesFit(request, node, out _, ref status))
            && (request.Mig.IsEmpty || MigAllocator.TryPick(request, node, ref pick, ref status));
    }

    private static bool HasEnoughIdle(GpuRequest request, NodeInfo node, out ulong idle)
    {
        idle = node.Facts.Serves(request) ? node.Facts.Allowed(node.IdleMask, request) : 0;
        return node.FreeGpus >= request.WholeGpus && BitOperations.PopCount(idle) >= request.WholeGpus;
    }

    private static bool TryPickWhole(GpuRequest request, NodeInfo node, ref DevicePick pick, ref Status status)
    {
        if (!HasEnoughIdle(request, node, out var idle))
        {
            status = Reasons.FewFreeGpus;
            return false;
        }

        if (!node.Facts.Sets.TryPick(idle, request.WholeGpus, request.Nvlink, out var set))
        {
            status = Reasons.FreeGpusNotLinked;
            return false;
        }

        pick = pick with { Whole = set };
        return true;
    }

    /// <summary>The cards on which a share fits, and whether enough of them may be used together.</summary>
    private static bool SharesFit(GpuRequest request, NodeInfo node, out ulong fitting, ref Status status)
    {
        fitting = 0;
        for (var rest = node.Facts.Serves(request) ? node.Facts.Allowed(node.ShareMask, request) : 0; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            if (request.ShareMilli <= node.FreeMilli(gpu) && request.ShareMemoryOn(node.Facts, gpu) is >= 0 and var memory && memory <= node.FreeMemoryMiB(gpu))
            {
                fitting |= 1UL << gpu;
            }
        }

        if (BitOperations.PopCount(fitting & ~node.IdleMask) + Math.Min(BitOperations.PopCount(fitting & node.IdleMask), node.FreeGpus) < request.ShareCount)
        {
            status = Reasons.NoFreeShare;
            return false;
        }

        if (NeedsLinks(request) && !TryPickConnected(request, node, fitting, out _))
        {
            status = Reasons.FreeGpusNotLinked;
            return false;
        }

        return true;
    }

    private static bool NeedsLinks(GpuRequest request) => request.Nvlink == NvlinkRequirement.Required && request.ShareCount > 1;

    /// <summary>
    /// Shares go to the best cards of the order, one after the other; where links are required, to the best connected set. No more
    /// idle cards are opened than the node may hand out.
    /// </summary>
    private static bool TryPickShares(PodInfo pod, NodeInfo node, IShareCardOrder order, ref DevicePick pick, ref Status status)
    {
        var request = pod.Request;
        if (!SharesFit(request, node, out var fitting, ref status))
        {
            return false;
        }

        var chosen = 0UL;
        var value = 0.0;
        if (NeedsLinks(request))
        {
            TryPickConnected(request, node, fitting, out chosen);
        }
        else
        {
            Span<CardRank> ranks = stackalloc CardRank[node.Facts.Gpus.Length];
            order.Rank(pod, node, fitting, ranks);
            for (var n = 0; n < request.ShareCount; n++)
            {
                var left = fitting & ~chosen;
                if (BitOperations.PopCount(chosen & node.IdleMask) == node.FreeGpus)
                {
                    left &= ~node.IdleMask;
                }

                var best = BitOperations.TrailingZeroCount(left);
                for (var rest = left & (left - 1); rest != 0; rest &= rest - 1)
                {
                    var gpu = BitOperations.TrailingZeroCount(rest);
                    if (ranks[gpu].IsBetterThan(ranks[best]))
                    {
                        best = gpu;
                    }
                }

                chosen |= 1UL << best;
                value += ranks[best].Value;
            }
        }

        pick = pick with { Shared = chosen, Opened = BitOperations.PopCount(chosen & node.IdleMask), CardValue = value };
        return true;
    }

    private static bool TryPickConnected(GpuRequest request, NodeInfo node, ulong fitting, out ulong chosen)
    {
        var found = node.Facts.Sets.TryPick(fitting, request.ShareCount, request.Nvlink, out var set);
        if (found && BitOperations.PopCount(set.Mask & node.IdleMask) > node.FreeGpus)
        {
            // More idle cards than may be opened (allocatable is below the number of GPUs): with the first of them only.
            var idle = fitting & node.IdleMask;
            fitting &= ~idle;
            for (var n = 0; n < node.FreeGpus; n++, idle &= idle - 1)
            {
                fitting |= idle & (~idle + 1);
            }

            found = node.Facts.Sets.TryPick(fitting, request.ShareCount, request.Nvlink, out set);
        }

        chosen = set.Mask;
        return found;
    }
}
