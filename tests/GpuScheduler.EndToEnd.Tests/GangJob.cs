using System.Globalization;
using k8s.Models;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>A gang of identical pods in the words of a dialect that needs no object beside them.</summary>
internal sealed record GangJob(string Name, string Dialect, int Members, int Gpus, string SchedulerName)
{
    /// <summary>The dialects that there are here.</summary>
    public static string[] Dialects { get; } = ["gpuscheduler", "volcano", "koordinator", "kueue", "pod-group-labels"];

    /// <summary>One member that our scheduling gate holds back.</summary>
    public V1Pod GatedPod(int number)
    {
        var pod = Pod(number);
        pod.Spec.SchedulingGates = [new V1PodSchedulingGate { Name = "gpuscheduler.io/gang" }];
        return pod;
    }

    /// <summary>One member.</summary>
    public V1Pod Pod(int number)
    {
        var pod = Workload.Pod(string.Create(CultureInfo.InvariantCulture, $"{Name}-{number}"), SchedulerName, Workload.Whole(Gpus), []);
        var (labels, annotations) = (pod.Metadata.Labels ??= new Dictionary<string, string>(), pod.Metadata.Annotations ??= new Dictionary<string, string>());
        labels["gang"] = Name;
        labels["member"] = number.ToString(CultureInfo.InvariantCulture);
        var size = Members.ToString(CultureInfo.InvariantCulture);
        switch (Dialect)
        {
            case "volcano":
                annotations["scheduling.k8s.io/group-name"] = Name;
                annotations["scheduling.volcano.sh/group-min-member"] = size;
                break;
            case "koordinator":
                annotations["gang.scheduling.koordinator.sh/name"] = Name;
                annotations["gang.scheduling.koordinator.sh/min-available"] = size;
                break;
            case "kueue":
                labels["kueue.x-k8s.io/pod-group-name"] = Name;
                annotations["kueue.x-k8s.io/pod-group-total-count"] = size;
                break;
            case "pod-group-labels":
                labels["pod-group.scheduling.sigs.k8s.io/name"] = Name;
                labels["pod-group.scheduling.sigs.k8s.io/min-available"] = size;
                break;
            default:
                annotations["gpuscheduler.io/gang-name"] = Name;
                annotations["gpuscheduler.io/gang-size"] = size;
                break;
        }

        return pod;
    }
}
