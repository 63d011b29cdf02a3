using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Requests;
using GpuScheduler.Testing;

namespace GpuScheduler.Extender.Tests;

/// <summary>Pods and requests as they are on the two wires.</summary>
internal static class Requests
{
    public static string Pod(string uid, PodShape shape, string? preemptionPolicy = null)
    {
        var (requests, annotations) = Parts(shape);
        return Pod(uid, requests, annotations, shape.Priority, preemptionPolicy);
    }

    public static string Pod(string uid, int gpus) => Pod(uid, new PodShape { Whole = gpus });

    public static string Pod(string uid, IReadOnlyDictionary<string, string> requests, IReadOnlyDictionary<string, string> annotations, int priority = 0, string? preemptionPolicy = null) =>
        JsonSerializer.Serialize(new
        {
            metadata = new { name = "pod-" + uid, @namespace = "team", uid, annotations },
            spec = new
            {
                containers = new[] { new { name = "main", resources = new { requests, limits = requests } } },
                schedulerName = "gpu-scheduler",
                priority,
                preemptionPolicy,
            },
            status = new { phase = "Pending" },
        });

    public static V1.Pod Message(string uid, PodShape shape, string? preemptionPolicy = null)
    {
        var (requests, annotations) = Parts(shape);
        return new V1.Pod
        {
            Uid = uid,
            Namespace = "team",
            Name = "pod-" + uid,
            Priority = shape.Priority,
            PreemptionPolicy = preemptionPolicy ?? "",
            SchedulerName = "gpu-scheduler",
            Annotations = { annotations },
            Containers = { new V1.Container { Name = "main", Requests = { requests }, Limits = { requests } } },
        };
    }

    public static string Args(string pod, params IEnumerable<string> nodes) =>
        $$"""{"Pod":{{pod}},"Nodes":null,"NodeNames":{{JsonSerializer.Serialize(nodes)}}}""";

    public static string NodesArgs(string pod, params IEnumerable<string> items) =>
        $$"""{"Pod":{{pod}},"Nodes":{"metadata":{},"items":[{{string.Join(',', items)}}]},"NodeNames":null}""";

    public static string Preemption(string pod, IReadOnlyDictionary<string, string[]> victims) =>
        JsonSerializer.Serialize(new Dictionary<string, object?>
        {
            ["Pod"] = JsonSerializer.Deserialize<JsonElement>(pod),
            ["NodeNameToVictims"] = null,
            ["NodeNameToMetaVictims"] = victims.ToDictionary(v => v.Key, v => new { Pods = v.Value.Select(uid => new { UID = uid }), NumPDBViolations = 0 }),
        });

    public static string Binding(string uid, string node) =>
        JsonSerializer.Serialize(new { PodName = "pod-" + uid, PodNamespace = "team", PodUID = uid, Node = node });

    private static (Dictionary<string, string> Requests, Dictionary<string, string> Annotations) Parts(PodShape shape)
    {
        var requests = new Dictionary<string, string> { ["cpu"] = "100m", ["memory"] = "64Mi" };
        var annotations = new Dictionary<string, string>();
        void Annotate(string name, int value, string unit = "")
        {
            if (value > 0)
            {
                annotations[name] = value.ToString(CultureInfo.InvariantCulture) + unit;
            }
        }

        if (shape.Whole > 0)
        {
            requests[GpuAnnotations.GpuResource] = shape.Whole.ToString(CultureInfo.InvariantCulture);
        }

        foreach (var (profile, count) in shape.Mig)
        {
            requests[GpuAnnotations.MigResourcePrefix + profile] = count.ToString(CultureInfo.InvariantCulture);
        }

        Annotate(GpuAnnotations.GpuMemory, shape.ShareMemoryMiB, "Mi");
        Annotate(GpuAnnotations.GpuMilli, shape.ShareMilli);
        Annotate(GpuAnnotations.GpuCount, shape.ShareCount);
        Annotate(GpuAnnotations.MinGpuMemory, shape.MinMemoryMiB, "Mi");
        if (shape.Models.Count > 0)
        {
            annotations[GpuAnnotations.GpuModel] = string.Join('|', shape.Models);
        }

        if (shape.Nvlink is not null)
        {
            annotations[GpuAnnotations.Nvlink] = shape.Nvlink;
        }

        return (requests, annotations);
    }
}
