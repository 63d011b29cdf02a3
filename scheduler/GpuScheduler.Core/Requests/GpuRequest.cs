using System.Collections.Immutable;

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

    /// <summary>Memory on each shared GPU, in MiB; 0 when only a compute share is asked for.</summary>
    public int ShareMemoryMiB { get; init; }

    /// <summary>Compute on each shared GPU, in milli-GPU (0..1000); 0 when only memory is asked for.</summary>
    public int ShareMilli { get; init; }

    /// <summary>Allowed models as written, empty when any will do. See <see cref="GpuModelMatch"/>.</summary>
    public ImmutableArray<string> Models { get; init; } = [];

    /// <summary>Least total memory of each device, in MiB; 0 when any will do. For MIG it is the memory of the MIG device.</summary>
    public int MinGpuMemoryMiB { get; init; }

    /// <summary>What is asked of the links between the GPUs.</summary>
    public NvlinkRequirement Nvlink { get; init; }

    /// <summary>Equal when the same is asked for; lists are compared by their elements.</summary>
    public bool Equals(GpuRequest? other) =>
        ReferenceEquals(this, other)
        || (other is not null
            && (WholeGpus, ShareCount, ShareMemoryMiB, ShareMilli, MinGpuMemoryMiB, Nvlink) == (other.WholeGpus, other.ShareCount, other.ShareMemoryMiB, other.ShareMilli, other.MinGpuMemoryMiB, other.Nvlink)
            && Mig.AsSpan().SequenceEqual(other.Mig.AsSpan())
            && Models.AsSpan().SequenceEqual(other.Models.AsSpan()));

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = HashCode.Combine(WholeGpus, ShareCount, ShareMemoryMiB, ShareMilli, MinGpuMemoryMiB, Nvlink);
        foreach (var mig in Mig)
        {
            hash = HashCode.Combine(hash, mig);
        }

        foreach (var model in Models)
        {
            hash = HashCode.Combine(hash, model);
        }

        return hash;
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
