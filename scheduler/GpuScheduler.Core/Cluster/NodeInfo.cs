using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// A node and who uses it, at one moment. Immutable, and always built from the whole list of allocations, so that it cannot drift.
/// </summary>
public sealed class NodeInfo
{
    private readonly DeviceUse[] _use;
    private readonly int[] _migFree;
    private readonly int[] _freeCards;
    private bool _conflict;
    private NodeInfo? _firm;
    private NodeFit? _fit;

    private NodeInfo(NodeFacts facts, ImmutableArray<Allocation> allocations)
    {
        Facts = facts;
        Allocations = allocations;
        _use = new DeviceUse[facts.Gpus.Length];
        _migFree = [.. facts.AllocatableMig];
        _freeCards = new int[facts.Gpus.Length];
        FreeCpuMilli = facts.CpuMilli;
        FreeMemoryBytes = facts.MemoryBytes;
    }

    /// <summary>What the node has.</summary>
    public NodeFacts Facts { get; }

    /// <summary>Who holds what.</summary>
    public ImmutableArray<Allocation> Allocations { get; private set; }

    /// <summary>GPUs of which nobody uses any part and that can be handed out whole.</summary>
    public ulong IdleMask { get; private set; }

    /// <summary>How many of them may be handed out: their number, less where allocatable says so.</summary>
    public int FreeGpus { get; private set; }

    /// <summary>GPUs (units of nvidia.com/gpu) held whole or shared out in parts.</summary>
    public int UsedGpus { get; private set; }

    /// <summary>GPUs that more shares may be put on: idle ones or ones that are shared already; none when allocatable fell below what is in use.</summary>
    public ulong ShareMask { get; private set; }

    /// <summary>How much of the GPUs is in use, in milli-GPU: the sum of <see cref="UsedMilliOf"/>.</summary>
    public int UsedMilli { get; private set; }

    /// <summary>
    /// What is free on each GPU to pods that take cards whole or share them, in milli-GPU, by index: the scarcer of compute and
    /// memory; 0 on GPUs that are held whole, in MIG mode or unhealthy.
    /// </summary>
    public ReadOnlySpan<int> FreeCards => _freeCards;

    /// <summary>The sum of <see cref="FreeCards"/>, in milli-GPU.</summary>
    public int FreeCardMilli { get; private set; }

    /// <summary>CPU not requested by anybody, in milli-CPU.</summary>
    public long FreeCpuMilli { get; private set; }

    /// <summary>Memory not requested by anybody, in bytes.</summary>
    public long FreeMemoryBytes { get; private set; }

    /// <summary>
    /// True when two pods are assigned the same device, or a device that does not exist: the API says so, not the ledger. A
    /// tentative hold is never part of it: it yields.
    /// </summary>
    public bool HasConflict => HasTentative ? Firm.HasConflict : _conflict;

    /// <summary>Use by GPU.</summary>
    public ReadOnlySpan<DeviceUse> Use => _use;

    /// <summary>MIG devices not yet handed out, by index of the profile.</summary>
    public ReadOnlySpan<int> FreeMig => _migFree;

    /// <summary>The node without its tentative holds.</summary>
    public NodeInfo Firm
    {
        get
        {
            if (_firm is null)
            {
                _firm = HasTentative ? Build(Facts, Allocations.RemoveAll(static a => a.State == AllocationState.Tentative)) : this;
            }

            return _firm;
        }
    }

    /// <summary>True when some hold is tentative.</summary>
    public bool HasTentative { get; private set; }

    /// <summary>Sums up the allocations of a node. Pods whose devices are unknown are presumed to hold the picks of the allocator.</summary>
    public static NodeInfo Build(NodeFacts facts, ImmutableArray<Allocation> allocations)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var node = new NodeInfo(facts, allocations);
        var unknown = false;
        for (var i = 0; i < allocations.Length; i++)
        {
            var allocation = allocations[i];
            if (allocation is { State: AllocationState.Presumed, Pod.PeerAssignment: { } peer } && peer.Resolve(facts) is { } devices)
            {
                // Another stack says which devices it has.
                allocation = allocation with { Devices = devices, State = AllocationState.Bound };
                node.Allocations = node.Allocations.SetItem(i, allocation);
            }

            node.HasTentative |= allocation.State == AllocationState.Tentative;
            unknown |= allocation.State == AllocationState.Presumed;
            node.FreeCpuMilli -= allocation.Pod.CpuMilli;
            node.FreeMemoryBytes -= allocation.Pod.MemoryBytes;
            if (allocation.State != AllocationState.Presumed)
            {
                node.Add(allocation.Devices);
            }
        }

        node.SumUp();
        if (unknown)
        {
            node.Presume();
        }

        return node;
    }

    /// <summary>The node without one pod.</summary>
    public NodeInfo Without(string podUid)
    {
        var rest = Allocations.RemoveAll(a => a.Pod.Uid == podUid);
        return rest.Length == Allocations.Length ? this : Build(Facts, rest);
    }

    /// <summary>Memory of a GPU that is not shared out, in MiB.</summary>
    public int FreeMemoryMiB(int gpu) => Facts.Gpus[gpu].MemoryMiB - _use[gpu].MemoryMiB;

    /// <summary>Compute of a GPU that is not shared out, in milli-GPU.</summary>
    public int FreeMilli(int gpu) => SharePacking.WholeCard - _use[gpu].Milli;

    /// <summary>How much of a GPU is in use, in milli-GPU: a whole one counts 1000, MIG by memory slices, shares by the scarcer of compute and memory.</summary>
    public int UsedMilliOf(int gpu)
    {
        ref readonly var use = ref _use[gpu];
        return use.Whole ? SharePacking.WholeCard
            : use.MigMask != 0 ? SharePacking.WholeCard * BitOperations.PopCount(use.MigMask) / Facts.MemorySlices
            : use.Shares > 0 ? SharePacking.WholeCard - SharePacking.Free(FreeMilli(gpu), FreeMemoryMiB(gpu), Facts.Gpus[gpu].MemoryMiB)
            : 0;
    }

    /// <summary>What is left on a card in milli-GPU once a share of the request is on it, in the terms of <see cref="FreeCards"/>.</summary>
    public int FreeCardAfter(int gpu, GpuRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return SharePacking.Free(FreeMilli(gpu) - request.ShareMilli, FreeMemoryMiB(gpu) - Math.Max(0, request.ShareMemoryOn(Facts, gpu)), Facts.Gpus[gpu].MemoryMiB);
    }

    /// <summary>What typical pods find on the node; worked out once for those asked for last.</summary>
    internal NodeFit FitOf(TypicalPods typical)
    {
        var fit = _fit;
        if (fit?.Typical != typical)
        {
            _fit = fit = new NodeFit(typical, this);
        }

        return fit;
    }

    private void Add(DeviceAssignment devices)
    {
        foreach (var device in devices.Devices)
        {
            var gpu = Facts.PositionOf(device);
            if ((uint)gpu >= (uint)_use.Length)
            {
                _conflict = true;
                continue;
            }

            _conflict |= !_use[gpu].Add(device, Facts.Gpus[gpu]);
            if (device.Mig is { } mig && Facts.Geometry?.IndexOf(mig.Profile) is >= 0 and var profile)
            {
                _migFree[profile]--;
            }
        }
    }

    private void SumUp()
    {
        UsedGpus = 0;
        UsedMilli = 0;
        IdleMask = 0;
        ShareMask = 0;
        FreeCardMilli = 0;
        for (var i = 0; i < _use.Length; i++)
        {
            var bit = 1UL << i;
            if (_use[i].Whole || _use[i].Shares > 0)
            {
                UsedGpus++;
            }

            UsedMilli += UsedMilliOf(i);
            if ((Facts.WholeMask & bit) != 0 && _use[i].MigMask == 0 && !_use[i].Whole)
            {
                IdleMask |= _use[i].Shares == 0 ? bit : 0;
                ShareMask |= bit;
                _freeCards[i] = SharePacking.Free(FreeMilli(i), FreeMemoryMiB(i), Facts.Gpus[i].MemoryMiB);
            }
            else
            {
                _freeCards[i] = 0;
            }

            FreeCardMilli += _freeCards[i];
        }

        FreeGpus = Math.Max(0, Math.Min(BitOperations.PopCount(IdleMask), Facts.AllocatableGpus - UsedGpus));
        if (!Facts.Shareable || UsedGpus > Facts.AllocatableGpus)
        {
            // More in use than the node still announces: some of them is broken, and nobody says which.
            ShareMask = 0;
        }
    }

    private void Presume()
    {
        var allocations = Allocations.ToBuilder();
        var overfull = false;
        for (var i = 0; i < allocations.Count; i++)
        {
            if (allocations[i].State != AllocationState.Presumed)
            {
                continue;
            }

            // Constraints bound the choice when the pod was placed; now it is somewhere, and only its size counts.
            var request = allocations[i].Pod.Request with { Nvlink = NvlinkRequirement.Unspecified, MinGpuMemoryMiB = 0, Models = [], AvoidedModels = [], Uuids = [], AvoidedUuids = [] };
            if (DeviceAllocator.TryPick(allocations[i].Pod with { Request = request }, this, LeastFree.Instance, out var pick, out _))
            {
                allocations[i] = allocations[i] with { Devices = pick.ToAssignment(request, this) };
                Add(allocations[i].Devices);
                SumUp();
            }
            else
            {
                _conflict = true;
                overfull = true;
            }
        }

        if (overfull)
        {
            // More is bound here than there is: nothing more may be handed out.
            (FreeGpus, IdleMask, ShareMask) = (0, 0, 0);
            Array.Clear(_migFree);
        }

        Allocations = allocations.ToImmutable();
    }
}
