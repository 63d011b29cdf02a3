using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>The kinds of objects that declare groups, each by its resource and API group as kubectl takes them.</summary>
public static class GroupKinds
{
    /// <summary>PodGroup of Kubernetes itself (v1alpha2 and later).</summary>
    public const string NativePodGroup = "podgroups.scheduling.k8s.io";

    /// <summary>Workload of Kubernetes itself (v1alpha1).</summary>
    public const string NativeWorkload = "workloads.scheduling.k8s.io";

    /// <summary>PodGroup of scheduler-plugins (coscheduling).</summary>
    public const string CoschedulingPodGroup = "podgroups.scheduling.x-k8s.io";

    /// <summary>PodGroup of Koordinator, and of early scheduler-plugins.</summary>
    public const string KoordinatorPodGroup = "podgroups.scheduling.sigs.k8s.io";

    /// <summary>PodGroup of Volcano.</summary>
    public const string VolcanoPodGroup = "podgroups.scheduling.volcano.sh";

    /// <summary>PodGroup of KAI.</summary>
    public const string KaiPodGroup = "podgroups.scheduling.run.ai";

    /// <summary>Job.</summary>
    public const string Job = "jobs.batch";

    /// <summary>JobSet.</summary>
    public const string JobSet = "jobsets.jobset.x-k8s.io";

    /// <summary>LeaderWorkerSet.</summary>
    public const string LeaderWorkerSet = "leaderworkersets.leaderworkerset.x-k8s.io";

    /// <summary>PyTorchJob of the training operator.</summary>
    public const string PyTorchJob = "pytorchjobs.kubeflow.org";

    /// <summary>MPIJob of the MPI operator (v2beta1) or of the training operator (v1).</summary>
    public const string MpiJob = "mpijobs.kubeflow.org";

    /// <summary>All kinds that a dialect refers to, in the dialects' order of precedence.</summary>
    public static ImmutableArray<string> All { get; } = [.. GangDialects.All.Select(d => d.ObjectKind).OfType<string>().Distinct(StringComparer.Ordinal)];
}
