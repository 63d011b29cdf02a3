namespace GpuScheduler.Testing;

/// <summary>What is wrong.</summary>
public enum AuditKind
{
    /// <summary>A GPU that the node does not have.</summary>
    UnknownDevice,

    /// <summary>A GPU or a MIG slice is in two hands.</summary>
    HeldTwice,

    /// <summary>More compute is shared out than a GPU has.</summary>
    OverCompute,

    /// <summary>More memory is shared out than the GPU has.</summary>
    OverMemory,

    /// <summary>A device that the node does not offer in this form.</summary>
    NotOffered,

    /// <summary>More units than the node hands out.</summary>
    OverAllocatable,

    /// <summary>Not what the pod asked for.</summary>
    NotAsAsked,

    /// <summary>Model, memory or link constraint broken.</summary>
    Constraint,
}

/// <summary>A finding of <see cref="ClusterAuditor"/>.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Pods">The pods concerned.</param>
/// <param name="Text">In words.</param>
public sealed record AuditViolation(AuditKind Kind, IReadOnlyList<string> Pods, string Text)
{
    /// <summary>
    /// True for what no change of a node can excuse. The other findings count when the pod is placed; later a node may lose what it
    /// offered.
    /// </summary>
    public bool IsLasting => Kind is AuditKind.HeldTwice or AuditKind.OverCompute or AuditKind.NotAsAsked;

    /// <inheritdoc/>
    public override string ToString() => $"{Kind}: {Text} ({string.Join(", ", Pods)})";
}
