using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>A MIG device picked on a GPU.</summary>
/// <param name="Gpu">Index of the GPU.</param>
/// <param name="Placement">Profile and interval.</param>
/// <param name="Uuid">UUID of the existing instance, or null.</param>
public readonly record struct MigPick(int Gpu, MigPlacement Placement, string? Uuid);

/// <summary>The devices of a node that a request would get, and what that costs. A value: filtering thousands of nodes allocates none.</summary>
public readonly record struct DevicePick
{
    /// <summary>The whole GPUs; empty when none are asked for.</summary>
    public DeviceSet Whole { get; init; }

    /// <summary>The GPUs to share, as bits.</summary>
    public ulong Shared { get; init; }

    /// <summary>How many of <see cref="Shared"/> were idle before.</summary>
    public int Opened { get; init; }

    /// <summary>What the order of the cards thought of the shared ones, summed up (<see cref="CardRank.Value"/>); 0 where links decided.</summary>
    public double CardValue { get; init; }

    /// <summary>The MIG device, when exactly one is asked for.</summary>
    public MigPick? SingleMig { get; init; }

    /// <summary>The MIG devices, when several are asked for.</summary>
    public ImmutableArray<MigPick> SeveralMig { get; init; }

    /// <summary>Loss of MIG value (see <see cref="MigValueTable"/>), in memory slices.</summary>
    public double MigLoss { get; init; }

    /// <summary>Memory slices of the MIG devices.</summary>
    public int MigSlices
    {
        get
        {
            var slices = SingleMig?.Placement.Size ?? 0;
            if (!SeveralMig.IsDefault)
            {
                foreach (var mig in SeveralMig)
                {
                    slices += mig.Placement.Size;
                }
            }

            return slices;
        }
    }

    /// <summary>How much of the node's free cards (<see cref="NodeInfo.FreeCards"/>) whole GPUs and shares take, in milli-GPU.</summary>
    public int TakenMilli(GpuRequest request, NodeInfo node)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(node);
        var taken = 0;
        for (var rest = Whole.Mask; rest != 0; rest &= rest - 1)
        {
            taken += node.FreeCards[BitOperations.TrailingZeroCount(rest)];
        }

        for (var rest = Shared; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            taken += node.FreeCards[gpu] - node.FreeCardAfter(gpu, request);
        }

        return taken;
    }

    /// <summary>The assignment that the pick stands for.</summary>
    public DeviceAssignment ToAssignment(GpuRequest request, NodeInfo node)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(node);
        var gpus = node.Facts.Gpus;
        var devices = ImmutableArray.CreateBuilder<AssignedDevice>(request.DeviceCount);
        for (var rest = Whole.Mask; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            devices.Add(new AssignedDevice(gpu, gpus[gpu].Uuid));
        }

        for (var rest = Shared; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            devices.Add(new AssignedDevice(gpu, gpus[gpu].Uuid, MemoryMiB: request.ShareMemoryOn(node.Facts, gpu), Milli: request.ShareMilli));
        }

        if (SingleMig is { } one)
        {
            devices.Add(new AssignedDevice(one.Gpu, one.Uuid, one.Placement));
        }

        if (!SeveralMig.IsDefault)
        {
            foreach (var mig in SeveralMig.OrderBy(m => m.Gpu).ThenBy(m => m.Placement.Start))
            {
                devices.Add(new AssignedDevice(mig.Gpu, mig.Uuid, mig.Placement));
            }
        }

        return new DeviceAssignment(devices.ToImmutable());
    }
}
