namespace GpuScheduler.Core.Cluster;

/// <summary>What the network tree has to know of a node.</summary>
/// <param name="Name">Name of the node.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="NvlinkDomain">Its NVLink domain where that is known better than from <see cref="NetworkLevel.CliqueLabel"/> (the node's report), or null.</param>
public sealed record NetworkNode(string Name, IReadOnlyDictionary<string, string> Labels, string? NvlinkDomain = null);
