namespace GpuScheduler.Core.Requests;

/// <summary>The names a pod speaks to us in, and we to it. One place: everything else refers to these constants.</summary>
public static class GpuAnnotations
{
    /// <summary>Prefix of every annotation of ours.</summary>
    public const string Prefix = "gpuscheduler.io/";

    /// <summary>Memory wanted on each shared GPU: a quantity of bytes, at least 1Mi.</summary>
    public const string GpuMemory = Prefix + "gpu-memory";

    /// <summary>Share of each GPU's compute, in milli-GPU: 1 to 1000.</summary>
    public const string GpuMilli = Prefix + "gpu-milli";

    /// <summary>On how many different GPUs the share is wanted: 1 to 64, default 1.</summary>
    public const string GpuCount = Prefix + "gpu-count";

    /// <summary>Allowed GPU models, alternatives separated by '|', matched on the product label.</summary>
    public const string GpuModel = Prefix + "gpu-model";

    /// <summary>Least memory each GPU must have in all: a quantity of bytes, at least 1Mi.</summary>
    public const string MinGpuMemory = Prefix + "min-gpu-memory";

    /// <summary>NVLink between the GPUs of the pod: required, preferred or none.</summary>
    public const string Nvlink = Prefix + "nvlink";

    /// <summary>The data sets and models that the pod works on, to be placed near them: names separated by ',', each with its size if wanted (name=140Gi).</summary>
    public const string Data = Prefix + "data";

    /// <summary>Of a node: the data sets and models that it caches, separated by ','.</summary>
    public const string CachedData = Prefix + "cached-data";

    /// <summary>Of a node: the data sets and models that it can reach near by, separated by ',', each with the level of the network within which it lies (name@rack).</summary>
    public const string ReachableData = Prefix + "reachable-data";

    /// <summary>
    /// Whether a pod is in the gang that its controller's labels make: "required" for yes also where the controller's object alone
    /// would not make one, "none" for no.
    /// </summary>
    public const string Gang = Prefix + "gang";

    /// <summary>Name of the pod's gang within its namespace. With <see cref="GangSize"/> or <see cref="GangMinMembers"/> it needs nothing else.</summary>
    public const string GangName = Prefix + "gang-name";

    /// <summary>Members of the gang in all: a whole number, at least 1.</summary>
    public const string GangSize = Prefix + "gang-size";

    /// <summary>Members of the gang without which none may start: a whole number, at least 1; default all.</summary>
    public const string GangMinMembers = Prefix + "gang-min-members";

    /// <summary>The part of the gang the pod belongs to, for example launcher or worker.</summary>
    public const string GangRole = Prefix + "gang-role";

    /// <summary>Members of the pod's own role without which none of the gang may start: a whole number, at least 1.</summary>
    public const string GangRoleMinMembers = Prefix + "gang-role-min-members";

    /// <summary>The pod's place among its peers, for example its rank: a whole number from 0 on.</summary>
    public const string GangIndex = Prefix + "gang-index";

    /// <summary>How long members may wait for each other: a duration such as 90s or 10m.</summary>
    public const string GangTimeout = Prefix + "gang-timeout";

    /// <summary>The level of the network (its name, or its label of nodes) within one domain of which all members must be.</summary>
    public const string GangRequiredTopology = Prefix + "gang-required-topology";

    /// <summary>As <see cref="GangRequiredTopology"/>, if it can be.</summary>
    public const string GangPreferredTopology = Prefix + "gang-preferred-topology";

    /// <summary>Members of a segment, which is kept closer together than the gang: a whole number, at least 1.</summary>
    public const string GangSegmentSize = Prefix + "gang-segment-size";

    /// <summary>The level within one domain of which each segment must be.</summary>
    public const string GangSegmentRequiredTopology = Prefix + "gang-segment-required-topology";

    /// <summary>As <see cref="GangSegmentRequiredTopology"/>, if it can be.</summary>
    public const string GangSegmentPreferredTopology = Prefix + "gang-segment-preferred-topology";

    /// <summary>The scheduling gate that holds a member back until its gang has a place. It keeps no member from being counted.</summary>
    public const string GangGate = Prefix + "gang";

    /// <summary>
    /// How long a pod is expected to run from its start on: a duration such as 90m or 12h. Nothing is decided by it; it is what an expected start
    /// of others is reckoned from, as spec.activeDeadlineSeconds is.
    /// </summary>
    public const string ExpectedDuration = Prefix + "expected-duration";

    /// <summary>Written when the gate of a member is removed: the node that its node affinity names since then.</summary>
    public const string PlannedNode = Prefix + "planned-node";

    /// <summary>Label: when a waiting member was touched, in milliseconds since 1970, so that kube-scheduler looks at it again. Nothing reads it.</summary>
    public const string GangWoken = Prefix + "gang-woken";

    /// <summary>Written at bind: which devices the pod holds (see <see cref="Devices.DeviceAssignment"/> for the form).</summary>
    public const string AssignedDevices = Prefix + "assigned-devices";

    /// <summary>
    /// Written at bind: the same as a list that NVIDIA_VISIBLE_DEVICES takes (UUIDs where known, else indices), for use through
    /// the downward API.
    /// </summary>
    public const string VisibleDevices = Prefix + "visible-devices";

    /// <summary>The extended resource of whole GPUs (and of MIG devices in the "single" strategy).</summary>
    public const string GpuResource = "nvidia.com/gpu";

    /// <summary>Prefix of the extended resources of MIG devices in the "mixed" strategy; the profile's name follows.</summary>
    public const string MigResourcePrefix = "nvidia.com/mig-";

    /// <summary>
    /// A resource that a sharing pod names so that a kube-scheduler with managedResources calls us for it. Its quantity has no
    /// meaning; nodes do not offer it (ignoredByScheduler), and the kubelet drops resources its node does not know.
    /// </summary>
    public const string SharedGpuResource = Prefix + "shared-gpu";
}
