namespace GpuScheduler.Core.Cluster;

/// <summary>What keeps pods off a node unless they tolerate it. A node that is cordoned has <see cref="Unschedulable"/>.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value; empty for none.</param>
/// <param name="Effect">NoSchedule, NoExecute or PreferNoSchedule.</param>
public readonly record struct NodeTaint(string Key, string Value, string Effect)
{
    /// <summary>The taint of a cordoned node (spec.unschedulable), which the node controller adds by itself a moment later.</summary>
    public static NodeTaint Unschedulable { get; } = new("node.kubernetes.io/unschedulable", "", "NoSchedule");

    /// <summary>False for one that is only a wish.</summary>
    public bool Repels => Effect is "NoSchedule" or "NoExecute";

    /// <summary>
    /// True for one of those that Kubernetes itself puts on nodes, because they are cordoned, not ready, out of disk and so on (well-known
    /// taints, node.kubernetes.io/), and that keeps pods off: whatever else pods tolerate, these are not meant to be tolerated.
    /// </summary>
    public bool IsCondition => Repels && Key.StartsWith("node.kubernetes.io/", StringComparison.Ordinal);
}
