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
}
