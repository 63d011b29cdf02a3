using System.Globalization;
using k8s.Models;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>The nodes and pods of the end-to-end runs; the same for the same seed.</summary>
internal static class Workload
{
    /// <summary>Nodes of six kinds, in turns: 8-GPU NVSwitch, hybrid cube mesh, PCIe with bridges, MIG, single T4, CPU only.</summary>
    public static IEnumerable<V1Node> Nodes(int count)
    {
        for (var i = 0; i < count; i++)
        {
            yield return (i % 10) switch
            {
                0 or 1 => Gpus($"h100-{i:D3}", "NVIDIA-H100-80GB-HBM3", 8, 81559),
                2 or 3 => Gpus($"v100-{i:D3}", "Tesla-V100-SXM2-32GB", 8, 32510),
                4 or 5 => Gpus($"pcie-{i:D3}", "NVIDIA-A100-80GB-PCIe", 8, 81920),
                6 or 7 => Mig($"mig-{i:D3}"),
                8 => Gpus($"t4-{i:D3}", "Tesla-T4", 1, 15360),
                _ => i % 20 == 9 ? Gpus($"t4-{i:D3}", "Tesla-T4", 1, 15360) : Node($"cpu-{i:D3}", [], []),
            };
        }
    }

    /// <summary>Pods of every kind of request.</summary>
    public static IEnumerable<V1Pod> Pods(int count, string schedulerName, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            var name = $"job-{seed}-{i:D4}";
            yield return (i % 14) switch
            {
                0 or 1 => Pod(name, schedulerName, Whole(1), []),
                2 => Pod(name, schedulerName, Whole(2), []),
                3 => Pod(name, schedulerName, Whole(2), [("nvlink", "required")]),
                4 => Pod(name, schedulerName, Whole(random.Next(2) == 0 ? 4 : 3), [("nvlink", "preferred")]),
                5 => Pod(name, schedulerName, Whole(i % 3 == 0 ? 8 : 1), [("gpu-model", "H100|V100")]),
                6 => Pod(name, schedulerName, [("nvidia.com/mig-1g.10gb", 1 + random.Next(2))], []),
                7 => Pod(name, schedulerName, [("nvidia.com/mig-3g.40gb", 1)], []),
                8 => Pod(name, schedulerName, [("nvidia.com/mig-1g.10gb", 1), ("nvidia.com/mig-2g.20gb", 1)], []),
                9 => Pod(name, schedulerName, Shared, [("gpu-memory", $"{1 + random.Next(12)}Gi")]),
                10 => Pod(name, schedulerName, Shared, [("gpu-milli", Text(50 * (1 + random.Next(12))))]),
                11 => Pod(name, schedulerName, Shared, [("gpu-milli", "300"), ("gpu-memory", "6Gi"), ("gpu-count", Text(1 + random.Next(2)))]),
                12 => Pod(name, schedulerName, Whole(1), [("min-gpu-memory", "40Gi"), ("nvlink", "none")]),
                _ => Pod(name, schedulerName, Shared, [("gpu-milli", "500"), ("gpu-model", "T4|A100")]),
            };
        }
    }

    /// <summary>A pod with requests and annotations of ours.</summary>
    public static V1Pod Pod(string name, string schedulerName, (string Resource, int Count)[] requests, (string Name, string Value)[] annotations, int priority = 0)
    {
        var resources = requests.ToDictionary(r => r.Resource, r => new ResourceQuantity(Text(r.Count)));
        return new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Annotations = annotations.ToDictionary(a => "gpuscheduler.io/" + a.Name, a => a.Value) },
            Spec = new V1PodSpec
            {
                SchedulerName = schedulerName,
                AutomountServiceAccountToken = false,
                TerminationGracePeriodSeconds = 0,
                PriorityClassName = priority == 0 ? null : "high",
                Containers =
                [
                    new V1Container
                    {
                        Name = "main",
                        Image = "train:1",
                        Resources = new V1ResourceRequirements
                        {
                            Requests = new Dictionary<string, ResourceQuantity>(resources) { ["cpu"] = new("1") },
                            Limits = resources,
                        },
                    },
                ],
            },
        };
    }

    public static (string Resource, int Count)[] Whole(int count) => [("nvidia.com/gpu", count)];

    /// <summary>What a sharing pod names so that kube-scheduler asks the extender about it.</summary>
    public static (string Resource, int Count)[] Shared => [("gpuscheduler.io/shared-gpu", 1)];

    /// <summary>A node with eight H100 in a rack.</summary>
    public static V1Node H100(string name, string rack)
    {
        var node = Gpus(name, "NVIDIA-H100-80GB-HBM3", 8, 81559);
        node.Metadata.Labels["network.topology.nvidia.com/leaf"] = rack;
        return node;
    }

    /// <summary>A node with so many A100 80 GB, each cut into so many devices of a profile by a configuration of mig-manager.</summary>
    public static V1Node CutBy(string name, string config, string profile, int count, int gpus)
    {
        var node = Mig(name);
        node.Metadata.Labels["nvidia.com/gpu.count"] = Text(gpus);
        node.Metadata.Labels["nvidia.com/mig.config"] = config;
        node.Metadata.Labels["nvidia.com/mig.config.state"] = "success";
        foreach (var amounts in new[] { node.Status.Capacity, node.Status.Allocatable })
        {
            Cut(amounts, profile, count * gpus);
        }

        return node;
    }

    /// <summary>Replaces the MIG devices of a node; those that are gone are there with 0, as the kubelet has it.</summary>
    public static void Cut(IDictionary<string, ResourceQuantity> amounts, string profile, int count)
    {
        foreach (var resource in amounts.Keys.Where(k => k.StartsWith("nvidia.com/mig-", StringComparison.Ordinal)).ToList())
        {
            amounts[resource] = new ResourceQuantity("0");
        }

        amounts["nvidia.com/mig-" + profile] = new ResourceQuantity(Text(count));
    }

    /// <summary>A node with whole GPUs, as GPU Feature Discovery and the device plugin show it.</summary>
    public static V1Node Gpus(string name, string product, int count, int memory) => Node(name,
        new() { ["nvidia.com/gpu.product"] = product, ["nvidia.com/gpu.count"] = Text(count), ["nvidia.com/gpu.memory"] = Text(memory) },
        new() { ["nvidia.com/gpu"] = Text(count) });

    private static V1Node Mig(string name) => Node(name,
        new() { ["nvidia.com/gpu.product"] = "NVIDIA-A100-SXM4-80GB", ["nvidia.com/gpu.count"] = "8", ["nvidia.com/gpu.memory"] = "81920", ["nvidia.com/mig.strategy"] = "mixed" },
        new() { ["nvidia.com/mig-1g.10gb"] = "16", ["nvidia.com/mig-2g.20gb"] = "8", ["nvidia.com/mig-3g.40gb"] = "8" });

    /// <summary>A node with labels and resources, beside CPU and memory.</summary>
    public static V1Node Node(string name, Dictionary<string, string> labels, Dictionary<string, string> resources)
    {
        var amounts = resources.ToDictionary(r => r.Key, r => new ResourceQuantity(r.Value));
        amounts["cpu"] = new ResourceQuantity("128");
        amounts["memory"] = new ResourceQuantity("1Ti");
        amounts["pods"] = new ResourceQuantity("110");
        labels["kubernetes.io/hostname"] = name;
        return new V1Node
        {
            Metadata = new V1ObjectMeta { Name = name, Labels = labels },
            Status = new V1NodeStatus
            {
                Capacity = amounts,
                Allocatable = amounts,
                Conditions = [new V1NodeCondition { Type = "Ready", Status = "True", Reason = "KubeletReady", LastHeartbeatTime = DateTime.UtcNow, LastTransitionTime = DateTime.UtcNow }],
            },
        };
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
