namespace GpuScheduler.Core.Framework;

/// <summary>
/// Every reason for which a node is refused. "Cannot" reasons hold even on the empty node; "now" reasons come from its present use.
/// </summary>
public static class Reasons
{
    /// <summary>We have not seen this node on the API.</summary>
    public static Status UnknownNode { get; } = Status.Unresolvable("node is not known to gpu-scheduler");

    /// <summary>The Node object that was sent of a node that we have not seen cannot be understood.</summary>
    public static Status UnreadableNode { get; } = Status.Unresolvable("Node object cannot be understood");

    /// <summary>The node has no GPU that can be handed out.</summary>
    public static Status NoGpu { get; } = Status.Unresolvable("node has no usable GPU");

    /// <summary>The product label does not match gpu-model.</summary>
    public static Status Model { get; } = Status.Unresolvable("GPU model is not among those asked for");

    /// <summary>The GPUs are smaller than min-gpu-memory.</summary>
    public static Status Memory { get; } = Status.Unresolvable("GPUs have less memory than asked for");

    /// <summary>Even empty, the node has too few GPUs.</summary>
    public static Status TooFewGpus { get; } = Status.Unresolvable("node has fewer GPUs than asked for");

    /// <summary>Even empty, the node has no set of GPUs connected by NVLink of this size.</summary>
    public static Status NoNvlink { get; } = Status.Unresolvable("node has no NVLink-connected set of this size");

    /// <summary>The node does not offer so many devices of the MIG profile.</summary>
    public static Status NoMig { get; } = Status.Unresolvable("node does not offer these MIG devices");

    /// <summary>Even an idle GPU of the node is too small for the share, or the node's GPUs are not shared.</summary>
    public static Status NoShare { get; } = Status.Unresolvable("node cannot offer such a GPU share");

    /// <summary>The node runs another device plugin than the words of the pod are for.</summary>
    public static Status NoSharing { get; } = Status.Unresolvable("node does not share GPUs in the way the pod asks for");

    /// <summary>The node's device plugin hands out shares only.</summary>
    public static Status NoWhole { get; } = Status.Unresolvable("node does not hand out whole GPUs");

    /// <summary>Too few GPUs of the node are allowed by use-gpuuuid and nouse-gpuuuid.</summary>
    public static Status Uuid { get; } = Status.Unresolvable("node lacks GPUs with the UUIDs asked for");

    /// <summary>Removing pods of lower priority could free enough GPUs.</summary>
    public static Status FewFreeGpus { get; } = Status.Unschedulable("not enough free GPUs");

    /// <summary>Enough GPUs are free, but none are connected by NVLink in this number.</summary>
    public static Status FreeGpusNotLinked { get; } = Status.Unschedulable("free GPUs are not connected by NVLink");

    /// <summary>No free place for the MIG devices.</summary>
    public static Status NoFreeMig { get; } = Status.Unschedulable("not enough free MIG devices");

    /// <summary>No GPU has so much memory or compute left to share.</summary>
    public static Status NoFreeShare { get; } = Status.Unschedulable("not enough free GPU memory or compute to share");

    /// <summary>Even empty, the node has less CPU than the pod asks for.</summary>
    public static Status TooLittleCpu { get; } = Status.Unresolvable("node has less CPU than asked for");

    /// <summary>Even empty, the node has less memory than the pod asks for.</summary>
    public static Status TooLittleMemory { get; } = Status.Unresolvable("node has less memory than asked for");

    /// <summary>Removing pods could free enough CPU.</summary>
    public static Status LittleFreeCpu { get; } = Status.Unschedulable("not enough free CPU");

    /// <summary>Removing pods could free enough memory.</summary>
    public static Status LittleFreeMemory { get; } = Status.Unschedulable("not enough free memory");

    /// <summary>The node runs as many pods as it takes.</summary>
    public static Status ManyPods { get; } = Status.Unschedulable("too many pods");

    /// <summary>Node selector, required node affinity or a taint keeps the pod off.</summary>
    public static Status NodeNotAllowed { get; } = Status.Unresolvable("node selector, affinity or taints keep the pod off");

    /// <summary>Another pod most likely goes there; decided within moments, and nothing that preemption could cure.</summary>
    public static Status Held { get; } = Status.Unresolvable("free GPUs are held for a pod being scheduled");

    /// <summary>The pod is decided: it goes to one other node.</summary>
    public static Status DecidedElsewhere { get; } = Status.Unresolvable("pod is decided for another node");

    /// <summary>Members of the pod's gang are missing.</summary>
    public static Status GangIncomplete { get; } = Status.Wait("gang is not complete");

    /// <summary>The declaration of the pod's gang cannot be used.</summary>
    public static Status GangInvalid { get; } = Status.Wait("gang declaration cannot be used");

    /// <summary>There is no room for all that the gang needs.</summary>
    public static Status GangUnplaced { get; } = Status.Wait("gang has no place as a whole");

    /// <summary>There is no room for all that the gang needs, and removing pods of lower priority could make some.</summary>
    public static Status GangCrowded { get; } = Status.Unschedulable("gang has no place as a whole, and may preempt");

    /// <summary>Free devices are kept for a gang that waits; nothing that preemption could cure.</summary>
    public static Status Kept { get; } = Status.Wait("kept for a gang that is due next");

    /// <summary>The gang has what it needs; there is no room for this member beyond it.</summary>
    public static Status GangElastic { get; } = Status.Wait("no room for more members of the gang");

    /// <summary>The gang gave its places back a moment ago.</summary>
    public static Status GangPaused { get; } = Status.Wait("gang tries again in a moment");

    /// <summary>The MIG layout of the node is being changed; nothing that preemption could cure.</summary>
    public static Status MigChanging { get; } = Status.Unresolvable("MIG layout is being changed");
}
