using System.Collections.Immutable;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>What is written for a node's device plugin beside our own annotations when a pod is bound.</summary>
/// <param name="Annotations">The annotations, in the same write as the node.</param>
/// <param name="NeedsNodeLock">True when the plugin finds the pod by HAMi's lock of the node, which must be held from before the bind.</param>
public sealed record PluginContract(ImmutableArray<KeyValuePair<string, string>> Annotations, bool NeedsNodeLock = false)
{
    /// <summary>Nothing is written.</summary>
    public static PluginContract None { get; } = new([]);

    /// <summary>True when nothing is.</summary>
    public bool IsEmpty => Annotations.IsEmpty;
}
