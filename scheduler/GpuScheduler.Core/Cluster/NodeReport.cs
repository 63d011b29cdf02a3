using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// What a node says of its own GPUs (the GpuNode resource; the form on the wire is gpuscheduler.v1.NodeReport in proto/). It
/// overrides what labels and the catalogue let us guess.
/// </summary>
/// <param name="Gpus">The GPUs, by index, without gaps.</param>
/// <param name="Links">How they are wired; null when the report does not say.</param>
/// <param name="NvlinkDomain">The NVLink domain above the node (cluster UUID and clique), or null.</param>
public sealed record NodeReport(ImmutableArray<GpuInfo> Gpus, InterconnectMatrix? Links, string? NvlinkDomain);
