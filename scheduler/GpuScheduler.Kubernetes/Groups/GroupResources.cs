using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>The table of objects that declare groups. Which pods refer to them is in the table of dialects, <see cref="GangDialects"/>.</summary>
internal static class GroupResources
{
    public static ImmutableArray<GroupResource> All { get; } =
    [
        new(GroupKinds.NativePodGroup, "PodGroup", ["v1beta1", "v1alpha3", "v1alpha2"], NativeGroups.PodGroup),
        new(GroupKinds.NativeWorkload, "Workload", ["v1alpha1"], NativeGroups.Workload),
        new(GroupKinds.CoschedulingPodGroup, "PodGroup", ["v1alpha1"], PodGroupObjects.Coscheduling),
        new(GroupKinds.KoordinatorPodGroup, "PodGroup", ["v1alpha1"], PodGroupObjects.Coscheduling),
        new(GroupKinds.VolcanoPodGroup, "PodGroup", ["v1beta1"], PodGroupObjects.Volcano),
        new(GroupKinds.KaiPodGroup, "PodGroup", ["v2alpha2"], PodGroupObjects.Kai),
        new(GroupKinds.Job, "Job", ["v1"], JobObjects.Job),
        new(GroupKinds.JobSet, "JobSet", ["v1alpha2"], JobObjects.JobSet),
        new(GroupKinds.LeaderWorkerSet, "LeaderWorkerSet", ["v1"], JobObjects.LeaderWorkerSet),
        new(GroupKinds.PyTorchJob, "PyTorchJob", ["v1"], TrainingJobs.PyTorchJob),
        new(GroupKinds.MpiJob, "MPIJob", ["v2beta1", "v1"], TrainingJobs.MpiJob),
    ];

    /// <summary>The resource of an object by its heading; null when it declares no groups.</summary>
    public static GroupResource? Find(string apiVersion, string kind)
    {
        var group = ObjectHeading.GroupOf(apiVersion);
        return All.FirstOrDefault(r => r.ObjectKind == kind && r.ApiGroup == group);
    }
}
