using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Requests;

/// <summary>A taint that a pod does not mind (an element of spec.tolerations).</summary>
/// <param name="Key">Key of the taint; empty, with Exists, for all.</param>
/// <param name="Exists">True for the operator Exists, which takes any value.</param>
/// <param name="Value">Value of the taint, for the operator Equal.</param>
/// <param name="Effect">Effect of the taint; empty for all.</param>
public readonly record struct Toleration(string Key, bool Exists, string Value, string Effect)
{
    /// <summary>True when the pod does not mind the taint.</summary>
    public bool Covers(NodeTaint taint) =>
        (Effect.Length == 0 || Effect == taint.Effect)
        && (Key.Length == 0 ? Exists : Key == taint.Key && (Exists || Value == taint.Value));
}
