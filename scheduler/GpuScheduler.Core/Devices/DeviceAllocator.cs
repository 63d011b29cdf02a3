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
    /// <param name="request">What is asked for; the model is not looked at here.</param>
    /// <param name="node">The node and its use.</param>
    /// <param name="pick">The pick, when there is one.</param>
    /// <param name="status">Why there is none; <see cref="Status.Success"/> when there is one.</param>
    public static bool TryPick(GpuRequest request, NodeInfo node, out DevicePick pick, out Status status)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(node);
        pick = default;
        status = Status.Success;
        if (request.WholeGpus > 0 && !TryPickWhole(request, node, ref pick, ref status))
        {
            return false;
        }

        if (request.ShareCount > 0 && !TryPickShares(request, node, ref pick, ref status))
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
            && facts.WithMemory(gpus, request.MinGpuMemoryMiB) == gpus
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
        if (request.ShareCount > 0 || !request.Mig.IsEmpty || request.Nvlink == NvlinkRequirement.Required)
        {
            return TryPick(request, node, out _, out status);
        }

        var fits = HasEnoughIdle(request, node, out _);
        status = fits ? Status.Success : Reasons.FewFreeGpus;
        return fits;
    }

    private static bool HasEnoughIdle(GpuRequest request, NodeInfo node, out ulong idle)
    {
        idle = node.Facts.WithMemory(node.IdleMask, request.MinGpuMemoryMiB);
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

    /// <summary>
    /// Shares go to the cards on which slivers grow least, then to the fullest, then to the lowest number; an idle card counts as
    /// the last choice, because it can still be handed out whole. Where links are required, the cards must be connected too.
    /// </summary>
    private static bool TryPickShares(GpuRequest request, NodeInfo node, ref DevicePick pick, ref Status status)
    {
        status = Reasons.NoFreeShare;
        var candidates = node.Facts.WithMemory(node.ShareMask, request.MinGpuMemoryMiB);
        var fitting = 0UL;
        Span<long> cost = stackalloc long[InterconnectMatrix.MostGpus];
        Span<int> growth = stackalloc int[InterconnectMatrix.MostGpus];
        for (var rest = candidates; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            if (TryCost(request, node, gpu, out cost[gpu], out growth[gpu]))
            {
                fitting |= 1UL << gpu;
            }
        }

        if (BitOperations.PopCount(fitting) < request.ShareCount)
        {
            return false;
        }

        var chosen = 0UL;
        if (request.Nvlink == NvlinkRequirement.Required && request.ShareCount > 1)
        {
            if (!TryPickConnected(request, node, fitting, out chosen))
            {
                status = Reasons.FreeGpusNotLinked;
                return false;
            }
        }
        else
        {
            for (var n = 0; n < request.ShareCount; n++)
            {
                var best = -1;
                for (var rest = fitting & ~chosen; rest != 0; rest &= rest - 1)
                {
                    var gpu = BitOperations.TrailingZeroCount(rest);
                    if (best < 0 || cost[gpu] < cost[best])
                    {
                        best = gpu;
                    }
                }

                chosen |= 1UL << best;
            }
        }

        var opened = BitOperations.PopCount(chosen & node.IdleMask);
        if (opened > node.FreeGpus)
        {
            return false;
        }

        var total = 0;
        for (var rest = chosen; rest != 0; rest &= rest - 1)
        {
            total += growth[BitOperations.TrailingZeroCount(rest)];
        }

        pick = pick with { Shared = chosen, Opened = opened, SliverGrowth = total };
        status = Status.Success;
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

    private static bool TryCost(GpuRequest request, NodeInfo node, int gpu, out long cost, out int growth)
    {
        cost = 0;
        growth = 0;
        var memory = node.Facts.Gpus[gpu].MemoryMiB;
        var freeMemory = node.FreeMemoryMiB(gpu);
        var freeMilli = node.FreeMilli(gpu);
        if (request.ShareMilli > freeMilli || request.ShareMemoryMiB > freeMemory)
        {
            return false;
        }

        var before = SharePacking.Free(freeMilli, freeMemory, memory);
        var after = SharePacking.Free(freeMilli - request.ShareMilli, freeMemory - request.ShareMemoryMiB, memory);
        growth = SharePacking.Sliver(after) - SharePacking.Sliver(before);
        var idle = (node.IdleMask & (1UL << gpu)) != 0;
        cost = ((idle ? 1L : 0L) << 40) + ((long)(growth + SharePacking.WholeCard) << 20) + after;
        return true;
    }
}
