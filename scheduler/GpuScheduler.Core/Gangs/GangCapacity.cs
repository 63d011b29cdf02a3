using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>Says what the nodes of a snapshot can take of a gang.</summary>
public static class GangCapacity
{
    /// <summary>
    /// By counting where that is exact (whole GPUs of which any will do), else by what <see cref="DeviceAllocator"/> picks for
    /// one member after the other.
    /// </summary>
    /// <param name="nodes">The nodes by position, null at a free one; what their pods hold is taken.</param>
    /// <param name="roles">What a member asks for, by role.</param>
    /// <param name="cards">Which card a share gets; null for <see cref="LeastFree"/>.</param>
    public static IGangCapacity Of(ReadOnlySpan<NodeInfo?> nodes, ImmutableArray<MemberRequest> roles, IShareCardOrder? cards = null)
    {
        var demands = ImmutableArray.CreateBuilder<WholeGpuDemand>(roles.Length);
        foreach (var role in roles)
        {
            if (!CountingWillDo(nodes, role.Request, out var allowed))
            {
                return new AllocatorCapacity(nodes.ToArray(), roles, cards ?? LeastFree.Instance);
            }

            if (role.Allows is { } allows)
            {
                allowed ??= Everywhere(nodes);
                for (var i = 0; i < allowed.Length; i++)
                {
                    allowed[i] = allowed[i] && allows(i);
                }
            }

            demands.Add(new WholeGpuDemand(role.Request.WholeGpus, role.CpuMilli, role.MemoryBytes, role.Request.WantsGpu ? allowed : allowed ?? Everywhere(nodes)));
        }

        var gpus = new int[nodes.Length];
        var cpu = new long[nodes.Length];
        var memory = new long[nodes.Length];
        for (var i = 0; i < nodes.Length; i++)
        {
            if (nodes[i] is { } node)
            {
                gpus[i] = node.FreeGpus;
                (cpu[i], memory[i]) = Beside(node);
            }
        }

        return new WholeGpuCapacity(demands.MoveToImmutable(), gpus, cpu, memory);
    }

    /// <summary>Free CPU and memory; a node that does not say what it has is not bound by it.</summary>
    internal static (long CpuMilli, long MemoryBytes) Beside(NodeInfo node) =>
        (node.Facts.CpuMilli == 0 ? long.MaxValue : node.FreeCpuMilli, node.Facts.MemoryBytes == 0 ? long.MaxValue : node.FreeMemoryBytes);

    /// <summary>True when any free GPUs of a node will do as well as others, wherever some do.</summary>
    private static bool CountingWillDo(ReadOnlySpan<NodeInfo?> nodes, GpuRequest request, out bool[]? allowed)
    {
        allowed = null;
        if (request.ShareCount > 0 || !request.Mig.IsEmpty || request.LimitsUuids || (request.Nvlink == NvlinkRequirement.Required && request.WholeGpus > 1))
        {
            return false;
        }

        if (!request.LimitsModels && request.MinGpuMemoryMiB == 0 && AllServe(nodes, request))
        {
            return true;
        }

        allowed = new bool[nodes.Length];
        var models = new ModelVerdicts(request);
        for (var i = 0; i < nodes.Length; i++)
        {
            if (nodes[i] is not { } node || !models.Allow(node.Facts) || !node.Facts.Serves(request))
            {
                continue;
            }

            var large = node.Facts.Allowed(node.IdleMask, request);
            if (large != 0 && large != node.IdleMask && BitOperations.PopCount(large) < node.FreeGpus)
            {
                return false; // large and small ones on one node
            }

            allowed[i] = large != 0;
        }

        return true;
    }

    private static bool AllServe(ReadOnlySpan<NodeInfo?> nodes, GpuRequest request)
    {
        foreach (var node in nodes)
        {
            if (node is not null && !node.Facts.Serves(request))
            {
                return false;
            }
        }

        return true;
    }

    private static bool[] Everywhere(ReadOnlySpan<NodeInfo?> nodes)
    {
        var allowed = new bool[nodes.Length];
        for (var i = 0; i < nodes.Length; i++)
        {
            allowed[i] = nodes[i] is not null;
        }

        return allowed;
    }
}
