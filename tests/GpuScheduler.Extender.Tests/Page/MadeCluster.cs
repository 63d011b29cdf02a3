using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GpuScheduler.Extender.Tests.Page;

/// <summary>A snapshot file of any size: racks of 16 nodes of eight GPUs, with gangs, shares, MIG devices, faulty cards, and free ones.</summary>
internal static class MadeCluster
{
    public static string Write(string folder, int nodes, string prefix = "node")
    {
        var items = new JsonArray();
        for (var i = 0; i < nodes; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{prefix}-{i:0000}");
            var cut = i % 35 == 9 || i % 35 == 28;
            var allocatable = new JsonObject { ["cpu"] = "128", ["memory"] = "1Ti", ["nvidia.com/gpu"] = cut ? "6" : "8" };
            if (cut)
            {
                allocatable["nvidia.com/mig-1g.10gb"] = "14";
            }

            items.Add(new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Node",
                ["metadata"] = new JsonObject
                {
                    ["name"] = name,
                    ["labels"] = new JsonObject
                    {
                        ["nvidia.com/gpu.product"] = "NVIDIA-H100-80GB-HBM3",
                        ["nvidia.com/gpu.count"] = "8",
                        ["nvidia.com/gpu.memory"] = "81559",
                        ["network.topology.nvidia.com/leaf"] = string.Create(CultureInfo.InvariantCulture, $"r{i / 16:000}"),
                    },
                },
                ["status"] = new JsonObject { ["allocatable"] = allocatable },
            });
            foreach (var pod in Pods(i, name, cut))
            {
                items.Add(pod);
            }
        }

        var path = Path.Combine(folder, "cluster.json");
        File.WriteAllText(path, new JsonObject { ["apiVersion"] = "v1", ["kind"] = "List", ["items"] = items }.ToJsonString());
        return path;
    }

    private static IEnumerable<JsonObject> Pods(int i, string node, bool cut)
    {
        if (cut)
        {
            yield return Pod($"mig-{i}", node, """[{"gpu":6,"mig":"1g.10gb","start":0,"size":1}]""", new() { ["nvidia.com/mig-1g.10gb"] = "1" });
            yield return Pod($"mig2-{i}", node, """[{"gpu":6,"mig":"1g.10gb","start":3,"size":1}]""", new() { ["nvidia.com/mig-1g.10gb"] = "1" });
        }
        else if (i % 5 < 2)
        {
            yield return Pod($"train-{i / 5}-{i % 5}", node, Whole(0, 8), new() { ["nvidia.com/gpu"] = "8" }, gang: $"train-{i / 5}");
        }
        else if (i % 5 == 2)
        {
            yield return Pod($"single-{i}", node, Whole(0, 4), new() { ["nvidia.com/gpu"] = "4" });
            yield return Pod($"share-{i}", node, """[{"gpu":5,"memoryMiB":20000,"milli":500}]""", new() { ["cpu"] = "1" }, memory: "20000Mi");
        }
    }

    private static string Whole(int first, int count) => "[" + string.Join(',', Enumerable.Range(first, count).Select(g => string.Create(CultureInfo.InvariantCulture, $"{{\"gpu\":{g}}}"))) + "]";

    private static JsonObject Pod(string name, string node, string devices, JsonObject limits, string? gang = null, string? memory = null)
    {
        var annotations = new JsonObject { ["gpuscheduler.io/assigned-devices"] = devices };
        if (gang is not null)
        {
            annotations["gpuscheduler.io/gang-name"] = gang;
            annotations["gpuscheduler.io/gang-size"] = "2";
        }

        if (memory is not null)
        {
            annotations["gpuscheduler.io/gpu-memory"] = memory;
            annotations["gpuscheduler.io/gpu-milli"] = "500";
        }

        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "team", ["uid"] = name, ["annotations"] = annotations },
            ["spec"] = new JsonObject { ["nodeName"] = node, ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["resources"] = new JsonObject { ["limits"] = limits } }) },
            ["status"] = new JsonObject { ["phase"] = "Running" },
        };
    }
}
