using System.Collections.Immutable;
using GpuScheduler.Core.Requests;
using static GpuScheduler.Core.Gangs.PodField;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// The table of dialects. Whoever adds one adds a row here and, if an object declares its groups, a row to the table of watched
/// objects; nothing else knows a dialect by name.
/// </summary>
public static class GangDialects
{
    /// <summary>The name of the plain form, our own annotations.</summary>
    public const string OwnName = "gpuscheduler";

    private const string Coscheduling = "scheduling.x-k8s.io/";
    private const string Koordinator = "gang.scheduling.koordinator.sh/";
    private const string LightPodGroup = "pod-group.scheduling.sigs.k8s.io/";
    private const string Volcano = "scheduling.volcano.sh/";
    private const string Kueue = "kueue.x-k8s.io/";
    private const string Kai = "kai.scheduler/";
    private const string LeaderWorkerSet = "leaderworkerset.sigs.k8s.io/";
    private const string JobSet = "jobset.sigs.k8s.io/";
    private const string Training = "training.kubeflow.org/";
    private const string Batch = "batch.kubernetes.io/";

    private static readonly ImmutableArray<PodField> s_completionIndex =
        [Label(Batch + "job-completion-index"), Annotation(Batch + "job-completion-index")];

    /// <summary>All dialects, in the order of precedence.</summary>
    internal static ImmutableArray<GangDialect> All { get; } =
    [
        new()
        {
            Name = "kubernetes",
            Tier = GangTier.Native,
            Group = [Spec("schedulingGroup.podGroupName")],
            ObjectKind = GroupKinds.NativePodGroup,
        },
        new()
        {
            Name = "kubernetes-workload",
            Tier = GangTier.Native,
            Group = [Spec("workloadRef.name")],
            GroupParts = [Spec("workloadRef.podGroup"), Spec("workloadRef.podGroupReplicaKey")],
            Role = [Spec("workloadRef.podGroup")],
            ObjectKind = GroupKinds.NativeWorkload,
            PartIsGroup = true,
        },
        new()
        {
            Name = OwnName,
            Tier = GangTier.Explicit,
            Group = [Annotation(GpuAnnotations.GangName)],
        },
        new()
        {
            Name = "scheduler-plugins",
            Tier = GangTier.Explicit,
            Group = [Label(Coscheduling + "pod-group")],
            ObjectKind = GroupKinds.CoschedulingPodGroup,
        },
        new()
        {
            Name = "volcano",
            Tier = GangTier.Explicit,
            Group = [Annotation("scheduling.k8s.io/group-name"), Annotation(Volcano + "group-name")],
            Role = [Annotation("volcano.sh/task-spec"), Label("volcano.sh/task-spec")],
            Index = [[Label("volcano.sh/task-index"), Annotation("volcano.sh/task-index")]],
            MinMembers = [Annotation(Volcano + "group-min-member")],
            ObjectKind = GroupKinds.VolcanoPodGroup,
        },
        new()
        {
            Name = "kai",
            Tier = GangTier.Explicit,
            Group = [Annotation("pod-group-name")],
            Role = [Label(Kai + "subgroup-name")],
            ObjectKind = GroupKinds.KaiPodGroup,
        },
        new()
        {
            Name = "koordinator",
            Tier = GangTier.Explicit,
            Group = [Annotation(Koordinator + "name"), Label(LightPodGroup + "name"), Label("pod-group.scheduling.sigs.k8s.io")],
            MinMembers = [Annotation(Koordinator + "min-available"), Label(LightPodGroup + "min-available")],
            Size = [Annotation(Koordinator + "total-number")],
            Bundle = [Annotation(Koordinator + "groups")],
            Timeout = [Annotation(Koordinator + "waiting-time")],
            ObjectKind = GroupKinds.KoordinatorPodGroup,
        },
        new()
        {
            Name = "kueue",
            Tier = GangTier.Queue,
            Group = [Label(Kueue + "pod-group-name")],
            Index = [[Label(Kueue + "pod-group-pod-index")]],
            Size = [Annotation(Kueue + "pod-group-total-count")],
        },
        new()
        {
            Name = "leaderworkerset",
            Tier = GangTier.Controller,
            Group = [Label(LeaderWorkerSet + "name")],
            GroupParts = [Label(LeaderWorkerSet + "group-index")],
            NeedsOneOf = [Label(LeaderWorkerSet + "group-index")],
            RolesByIndex = ("leader", "worker"),
            Index = [[Label(LeaderWorkerSet + "worker-index")]],
            Size = [Annotation(LeaderWorkerSet + "size")],
            ObjectKind = GroupKinds.LeaderWorkerSet,
        },
        new()
        {
            Name = "jobset",
            Tier = GangTier.Controller,
            Group = [Label(JobSet + "jobset-name")],
            Role = [Label(JobSet + "replicatedjob-name")],
            Index = [[Label(JobSet + "job-index")], s_completionIndex],
            ObjectKind = GroupKinds.JobSet,
            ObjectUid = [Label(JobSet + "jobset-uid")],
        },
        new()
        {
            Name = "mpijob",
            Tier = GangTier.Controller,
            Group = [Label(Training + "job-name")],
            NeedsValue = [(Label(Training + "operator-name"), "mpi-operator"), (Label(Training + "operator-name"), "mpijob-controller"), (OwnerKind, "MPIJob")],
            Role = [Label(Training + "replica-type"), Label(Training + "job-role")],
            Index = [[Label(Training + "replica-index")]],
            ObjectKind = GroupKinds.MpiJob,
        },
        new()
        {
            Name = "pytorchjob",
            Tier = GangTier.Controller,
            Group = [Label(Training + "job-name")],
            NeedsValue = [(Label(Training + "operator-name"), "pytorchjob-controller"), (OwnerKind, "PyTorchJob")],
            Role = [Label(Training + "replica-type")],
            Index = [[Label(Training + "replica-index")]],
            ObjectKind = GroupKinds.PyTorchJob,
        },
        new()
        {
            Name = "job",
            Tier = GangTier.Controller,
            Group = [Label(Batch + "job-name"), Label("job-name")],
            NeedsOneOf = s_completionIndex,
            Index = [s_completionIndex],
            ObjectKind = GroupKinds.Job,
            ObjectUid = [Label(Batch + "controller-uid"), Label("controller-uid")],
        },
    ];

    /// <summary>The names of all dialects, in the order of precedence.</summary>
    public static ImmutableArray<string> Names { get; } = [.. All.Select(d => d.Name)];

    /// <summary>
    /// The words that any dialect's pods may carry beside it, for the whole gang: our own, and those on how close its members have to
    /// be, which jobs of one dialect often bear for another scheduler.
    /// </summary>
    internal static GangDialect Common { get; } = new()
    {
        Name = "",
        Tier = GangTier.Explicit,
        Group = [],
        Role = [Annotation(GpuAnnotations.GangRole)],
        Index = [[Annotation(GpuAnnotations.GangIndex)]],
        MinMembers = [Annotation(GpuAnnotations.GangMinMembers)],
        Size = [Annotation(GpuAnnotations.GangSize)],
        RoleMinMembers = [Annotation(GpuAnnotations.GangRoleMinMembers)],
        Timeout = [Annotation(GpuAnnotations.GangTimeout)],
    };

    /// <summary>How close the whole gang has to be.</summary>
    internal static TopologyFields Topology { get; } = new()
    {
        Required = [Annotation(GpuAnnotations.GangRequiredTopology), Annotation(Kai + "topology-required-placement"), Annotation(LeaderWorkerSet + "exclusive-topology")],
        Preferred = [Annotation(GpuAnnotations.GangPreferredTopology), Annotation(Kai + "topology-preferred-placement")],
        SegmentSize = [Annotation(GpuAnnotations.GangSegmentSize), Annotation(LeaderWorkerSet + "subgroup-size")],
        SegmentRequired = [Annotation(GpuAnnotations.GangSegmentRequiredTopology), Annotation(LeaderWorkerSet + "subgroup-exclusive-topology")],
        SegmentPreferred = [Annotation(GpuAnnotations.GangSegmentPreferredTopology)],
    };

    /// <summary>How close the members of one role have to be: words on the pods of one template, which other templates need not bear.</summary>
    internal static TopologyFields RoleTopology { get; } = new()
    {
        Required = [Annotation(Kueue + "podset-required-topology")],
        Preferred = [Annotation(Kueue + "podset-preferred-topology")],
        SegmentSize = [Annotation(Kueue + "podset-slice-size"), Annotation(Kai + "segment-size")],
        SegmentRequired = [Annotation(Kueue + "podset-slice-required-topology"), Annotation(Kai + "segment-topology-required-placement")],
        SegmentPreferred = [Annotation(Kai + "segment-topology-preferred-placement")],
    };

    /// <summary>With this word Kueue's topology is on all sets of pods that bear the same.</summary>
    internal static PodField RoleTopologyIsShared { get; } = Annotation(Kueue + "podset-group-name");

    /// <summary>Whether the pod wants to be in its controller's gang: <see cref="GpuAnnotations.Gang"/>.</summary>
    internal static PodField Policy { get; } = Annotation(GpuAnnotations.Gang);

    /// <summary>The dialect of a name.</summary>
    internal static GangDialect Find(string name) => All.First(d => d.Name == name);
}
