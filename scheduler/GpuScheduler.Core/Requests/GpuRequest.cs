using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Requests;

/// <summary>So many devices of one MIG profile.</summary>
/// <param name="Profile">Profile as in the resource name, for example 1g.10gb or 1g.10gb.me.</param>
/// <param name="Count">How many, at least 1.</param>
public readonly record struct MigRequest(string Profile, int Count);

/// <summary>What a pod asks for, parsed once. The default instance asks for no GPU at all.</summary>
public sealed record GpuRequest
{
    /// <summary>The request of a pod that wants no GPU.</summary>
    public static GpuRequest None { get; } = new();

    /// <summary>Whole GPUs (nvidia.com/gpu).</summary>
    public int WholeGpus { get; init; }

    /// <summary>MIG devices by profile, ordered by profile name; empty when none.</summary>
    public ImmutableArray<MigRequest> Mig { get; init; } = [];

    /// <summary>Different GPUs to share; 0 when the pod does not share.</summary>
    public int ShareCount { get; init; }

    /// <summary>
    /// Memory on each shared GPU, in MiB. It, <see cref="ShareMemoryPermille"/> and <see cref="ShareMemoryUnits"/> add up to what
    /// <see cref="ShareMemoryOn"/> says; all are 0 when only a compute share is asked for.
    /// </summary>
    public int ShareMemoryMiB { get; init; }

    /// <summary>Memory on each shared GPU, in thousandths of that GPU's.</summary>
    public int ShareMemoryPermille { get; init; }

    /// <summary>Memory on each shared GPU, in the node's unit (<see cref="NodeFacts.MemoryUnitMiB"/>).</summary>
    public int ShareMemoryUnits { get; init; }

    /// <summary>Compute on each shared GPU, in milli-GPU (0..1000); 0 when only memory is asked for.</summary>
    public int ShareMilli { get; init; }

    /// <summary>The device plugin that the node must run; None when any will do.</summary>
    public DevicePlugins Plugin { get; init; }

    /// <summary>Allowed models as written, empty when any will do. See <see cref="GpuModelMatch"/>.</summary>
    public ImmutableArray<string> Models { get; init; } = [];

    /// <summary>Models that are not allowed, as written. See <see cref="GpuModelMatch"/>.</summary>
    public ImmutableArray<string> AvoidedModels { get; init; } = [];

    /// <summary>UUIDs of the GPUs that are allowed; empty when any will do.</summary>
    public ImmutableArray<string> Uuids { get; init; } = [];

    /// <summary>UUIDs of GPUs that are not allowed.</summary>
    public ImmutableArray<string> AvoidedUuids { get; init; } = [];

    /// <summary>Least total memory of each device, in MiB; 0 when any will do. For MIG it is the memory of the MIG device.</summary>
    public int MinGpuMemoryMiB { get; init; }

    /// <summary>What is asked of the links between the GPUs.</summary>
    public NvlinkRequirement Nvlink { get; init; }

    /// <summary>Equal when the same is asked for; lists are compared by their elements.</summary>
    public bool Equals(GpuRequest? other) =>
        ReferenceEquals(this, other)
        || (other is not null
            && (WholeGpus, ShareCount, ShareMemoryMiB, ShareMilli, MinGpuMemoryMiB, Nvlink) == (other.WholeGpus, other.ShareCount, other.ShareMemoryMiB, other.ShareMilli, other.MinGpuMemoryMiB, other.Nvlink)
            && (ShareMemoryPermille, ShareMemoryUnits, Plugin) == (other.ShareMemoryPermille, other.ShareMemoryUnits, other.Plugin)
            && Mig.AsSpan().SequenceEqual(other.Mig.AsSpan())
            && Models.AsSpan().SequenceEqual(other.Models.AsSpan())
            && AvoidedModels.AsSpan().SequenceEqual(other.AvoidedModels.AsSpan())
            && Uuids.AsSpan().SequenceEqual(other.Uuids.AsSpan())
            && AvoidedUuids.AsSpan().SequenceEqual(other.AvoidedUuids.AsSpan()));

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = HashCode.Combine(WholeGpus, ShareCount, ShareMemoryMiB, ShareMilli, MinGpuMemoryMiB, Nvlink);
        if (ShareCount > 0)
        {
            hash = HashCode.Combine(hash, ShareMemoryPermille, ShareMemoryUnits, Plugin);
        }

        foreach (var mig in Mig)
        {
            hash = HashCode.Combine(hash, mig);
        }

        foreach (var model in Models)
        {
            hash = HashCode.Combine(hash, model);
        }

        return HashCode.Combine(hash, AvoidedModels.Length, Uuids.Length, AvoidedUuids.Length);
    }

    /// <summary>True when the pod shares GPUs and wants memory of them.</summary>
    public bool WantsShareMemory => (ShareMemoryMiB | ShareMemoryPermille | ShareMemoryUnits) != 0;

    /// <summary>True when not every GPU of every product will do.</summary>
    public bool LimitsModels => !Models.IsEmpty || !AvoidedModels.IsEmpty;

    /// <summary>True when GPUs of one node are told apart by their UUIDs.</summary>
    public bool LimitsUuids => !Uuids.IsEmpty || !AvoidedUuids.IsEmpty;

    /// <summary>True when a product label is among the models that are allowed, and not among those that are not.</summary>
    public bool AllowsModel(string product) =>
        (Models.IsEmpty || GpuModelMatch.Matches(Models.AsSpan(), product)) && !GpuModelMatch.Matches(AvoidedModels.AsSpan(), product);

    /// <summary>True when a GPU is among those that are allowed by UUID; one of unknown UUID is on no list.</summary>
    public bool AllowsUuid(string? uuid) =>
        (Uuids.IsEmpty || (uuid is not null && Uuids.Contains(uuid))) && (uuid is null || !AvoidedUuids.Contains(uuid));

    /// <summary>
    /// How much of a card the memory of a share is, in milli-GPU, were all cards of this size: for estimates over a cluster. Units count as GiB.
    /// </summary>
    /// <param name="cardMiB">Memory of a card, in MiB; 0 when it is not known.</param>
    public double ShareMemoryMilli(double cardMiB) => Math.Min(
        SharePacking.WholeCard,
        ShareMemoryPermille + (cardMiB > 0 ? SharePacking.WholeCard * (ShareMemoryMiB + (1024.0 * ShareMemoryUnits)) / cardMiB : 0));

    /// <summary>
    /// Memory that a share of a GPU takes, in MiB; saturates. -1 where it cannot be told: a part of a GPU of unknown size, or units on a
    /// node that has none. A part is rounded down, as HAMi does, and is at least 1 MiB.
    /// </summary>
    public int ShareMemoryOn(NodeFacts node, int gpu)
    {
        ArgumentNullException.ThrowIfNull(node);
        long memory = ShareMemoryMiB;
        if (ShareMemoryPermille > 0)
        {
            var whole = node.Gpus[gpu].MemoryMiB;
            if (whole == 0)
            {
                // A fraction of compute, too, bounds the sum of the fractions without it.
                return ShareMilli > 0 && ShareMemoryMiB == 0 ? 0 : -1;
            }

            memory += Math.Max(1, (long)whole * ShareMemoryPermille / SharePacking.WholeCard);
        }

        if (ShareMemoryUnits > 0)
        {
            if (node.MemoryUnitMiB == 0)
            {
                return -1;
            }

            memory += (long)ShareMemoryUnits * node.MemoryUnitMiB;
        }

        return (int)Math.Min(memory, int.MaxValue);
    }

    /// <summary>True when the pod wants any device.</summary>
    public bool WantsGpu => WholeGpus > 0 || ShareCount > 0 || !Mig.IsEmpty;

    /// <summary>How many devices an assignment to this request lists; saturates.</summary>
    public int DeviceCount
    {
        get
        {
            var count = (long)WholeGpus + ShareCount;
            foreach (var mig in Mig)
            {
                count += mig.Count;
            }

            return (int)Math.Min(count, int.MaxValue);
        }
    }
}
