using System.Collections.Immutable;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// What a node says of its own GPUs (the GpuNode resource; the form on the wire is gpuscheduler.v1.NodeReport in proto/). It
/// overrides what labels and the catalogue let us guess. Equal by content.
/// </summary>
/// <param name="Gpus">The GPUs, by index, without gaps.</param>
/// <param name="Links">How they are wired; null when the report does not say.</param>
/// <param name="NvlinkDomain">The NVLink domain above the node (cluster UUID and clique), or null.</param>
public sealed record NodeReport(ImmutableArray<GpuInfo> Gpus, InterconnectMatrix? Links, string? NvlinkDomain)
{
    /// <summary>What pods hold according to the kubelet; empty when it was not asked or holds nothing to compare.</summary>
    public ImmutableArray<HeldDevices> Held { get; init; } = [];

    /// <summary>Data sets and models that the node caches.</summary>
    public ImmutableArray<string> CachedData { get; init; } = [];

    /// <summary>Data sets and models that it can reach, each with the level of the network within which it lies, if that is known: imagenet@rack.</summary>
    public ImmutableArray<string> ReachableData { get; init; } = [];

    /// <inheritdoc/>
    public bool Equals(NodeReport? other) => other is not null && HasSameFacts(other) && Held.SequenceEqual(other.Held);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Gpus.Length, Links, NvlinkDomain, Held.Length);

    /// <summary>True when all is equal but who holds what.</summary>
    internal bool HasSameFacts(NodeReport other) =>
        NvlinkDomain == other.NvlinkDomain && Equals(Links, other.Links) && Gpus.SequenceEqual(other.Gpus)
        && CachedData.AsSpan().SequenceEqual(other.CachedData.AsSpan()) && ReachableData.AsSpan().SequenceEqual(other.ReachableData.AsSpan());

    /// <summary>
    /// What a pod really holds, where the kubelet says it completely and it is of the kind and number that the pod asks for; null
    /// otherwise. Shares of a GPU are not the kubelet's to know.
    /// </summary>
    internal DeviceAssignment? HeldBy(PodInfo pod)
    {
        foreach (var held in Held)
        {
            if (held.Pod == pod.Name && held.Namespace == pod.Namespace)
            {
                return held.IsComplete && pod.Request is { WantsGpu: true, ShareCount: 0 }
                    && held.Devices.Devices.Count(d => d.IsWhole) == pod.Request.WholeGpus
                    && held.Devices.Devices.Count(d => d.Mig is not null) == pod.Request.Mig.Sum(m => m.Count)
                    ? held.Devices
                    : null;
            }
        }

        return null;
    }
}
