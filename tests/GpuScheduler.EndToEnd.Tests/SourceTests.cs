using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Pods placed by what other stacks say of the nodes, read from a real API server under the shipped rights.</summary>
public sealed class SourceTests
{
    private const int Gpus = 4;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_go_where_HAMi_Koordinator_and_ResourceSlices_say_that_they_fit()
    {
        // Four nodes alike by their labels. HAMi knows of one NVLink bridge, Koordinator of another and of a broken GPU, DRA of three broken ones.
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.ServeAsync(
        [
            ObjectDefinition.Of("scheduling.koordinator.sh", "v1alpha1", "Device", "devices", namespaced: false),
            ObjectDefinition.Of("resource.k8s.io", "v1", "ResourceSlice", "resourceslices", namespaced: false),
        ], Cancellation);
        foreach (var name in new[] { "plain", "hami", "koord", "dra" })
        {
            var node = Workload.Gpus(name, "NVIDIA-A40", Gpus, 46068);
            node.Metadata.Annotations = name == "hami" ? Hami() : null;
            await cluster.Client.CoreV1.CreateNodeAsync(node, cancellationToken: Cancellation);
        }

        await cluster.Client.CustomObjects.CreateClusterCustomObjectAsync(Device(), "scheduling.koordinator.sh", "v1alpha1", "devices", cancellationToken: Cancellation);
        await cluster.Client.CustomObjects.CreateClusterCustomObjectAsync(Slice(generation: 1, broken: 3), "resource.k8s.io", "v1", "resourceslices", cancellationToken: Cancellation);
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);

        await cluster.AddPodsAsync(Enumerable.Range(0, 3).Select(i => Workload.Pod($"pair-{i}", "gpu-scheduler", Workload.Whole(2), [("nvlink", "required")])), Cancellation);
        await cluster.BoundAsync(2, TimeSpan.FromMinutes(2), Cancellation);
        await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
        Assert.Equal([$"hami: {Uuid("hami", 0)} {Uuid("hami", 3)}", $"koord: {Uuid("koord", 1)} {Uuid("koord", 2)}"], await PlacedAsync(cluster, "pair-"));

        // What is left: all of one node, two of HAMi's, one of Koordinator's (GPU 0 is broken), and the one that is not broken by DRA.
        await cluster.AddPodsAsync(Enumerable.Range(0, 9).Select(i => Workload.Pod($"one-{i}", "gpu-scheduler", Workload.Whole(1), [])), Cancellation);
        await cluster.BoundAsync(10, TimeSpan.FromMinutes(2), Cancellation);
        await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
        var placed = await PlacedAsync(cluster, "one-");
        Assert.Equal(8, placed.Count);
        Assert.Equal([$"dra: {Uuid("dra", 3)}"], placed.Where(p => p.StartsWith("dra", StringComparison.Ordinal)));
        Assert.Equal([$"koord: {Uuid("koord", 3)}"], placed.Where(p => p.StartsWith("koord", StringComparison.Ordinal)));

        // The driver finds one of them sound again.
        var slice = Slice(generation: 2, broken: 2);
        slice["metadata"]!["resourceVersion"] = await VersionAsync(cluster);
        await cluster.Client.CustomObjects.ReplaceClusterCustomObjectAsync(slice, "resource.k8s.io", "v1", "resourceslices", "dra-slice", cancellationToken: Cancellation);
        await cluster.NudgeAsync("dra", Cancellation);
        await cluster.BoundAsync(11, TimeSpan.FromMinutes(2), Cancellation);
        Assert.Contains($"dra: {Uuid("dra", 2)}", await PlacedAsync(cluster, "one-"));
    }

    private static string Uuid(string node, int gpu) => string.Create(CultureInfo.InvariantCulture, $"GPU-{node}-{gpu}");

    private static Dictionary<string, string> Hami()
    {
        var devices = Enumerable.Range(0, Gpus).Select(i => new JsonObject { ["id"] = Uuid("hami", i), ["index"] = i, ["count"] = 1, ["devmem"] = 46068, ["devcore"] = 100, ["type"] = "NVIDIA A40", ["mode"] = "hami-core", ["health"] = true });
        var scores = Enumerable.Range(0, Gpus).Select(a => new JsonObject
        {
            ["uuid"] = Uuid("hami", a),
            ["score"] = new JsonObject(Enumerable.Range(0, Gpus).Where(b => b != a).Select(b => KeyValuePair.Create(Uuid("hami", b), (JsonNode?)(a + b == 3 && a * b == 0 ? 410 : 10)))),
        });
        return new Dictionary<string, string>
        {
            ["hami.io/node-handshake"] = "Requesting_2026.01.01 00:00:00",
            ["hami.io/node-nvidia-register"] = new JsonArray([.. devices]).ToJsonString(),
            ["hami.io/node-nvidia-score"] = new JsonArray([.. scores]).ToJsonString(),
        };
    }

    private static JsonObject Device() => new()
    {
        ["apiVersion"] = "scheduling.koordinator.sh/v1alpha1",
        ["kind"] = "Device",
        ["metadata"] = new JsonObject
        {
            ["name"] = "koord",
            ["annotations"] = new JsonObject { ["scheduling.koordinator.sh/gpu-partitions"] = """{"2":[{"minors":[1,2],"gpuLinkType":"NVLink","ringBusBandwidth":"100Gi","allocationScore":1}]}""" },
        },
        ["spec"] = new JsonObject
        {
            ["devices"] = new JsonArray([.. Enumerable.Range(0, Gpus).Select(i => new JsonObject
            {
                ["type"] = "gpu",
                ["id"] = Uuid("koord", i),
                ["minor"] = i,
                ["health"] = i > 0,
                ["resources"] = new JsonObject { ["koordinator.sh/gpu-core"] = "100", ["koordinator.sh/gpu-memory"] = "46068Mi", ["koordinator.sh/gpu-memory-ratio"] = "100" },
                ["topology"] = new JsonObject { ["socketID"] = 0, ["nodeID"] = 0, ["pcieID"] = "pci0000:3a", ["busID"] = $"0000:3{i}:00.0" },
            })]),
        },
    };

    private static JsonObject Slice(int generation, int broken) => new()
    {
        ["apiVersion"] = "resource.k8s.io/v1",
        ["kind"] = "ResourceSlice",
        ["metadata"] = new JsonObject { ["name"] = "dra-slice" },
        ["spec"] = new JsonObject
        {
            ["driver"] = "gpu.nvidia.com",
            ["nodeName"] = "dra",
            ["pool"] = new JsonObject { ["name"] = "dra", ["generation"] = generation, ["resourceSliceCount"] = 1 },
            ["devices"] = new JsonArray([.. Enumerable.Range(0, Gpus).Select(i => new JsonObject
            {
                ["name"] = $"gpu-{i}",
                ["attributes"] = new JsonObject
                {
                    ["type"] = new JsonObject { ["string"] = "gpu" },
                    ["uuid"] = new JsonObject { ["string"] = Uuid("dra", i) },
                    ["productName"] = new JsonObject { ["string"] = "NVIDIA A40" },
                },
                ["capacity"] = new JsonObject { ["memory"] = new JsonObject { ["value"] = "46068Mi" } },
                ["taints"] = i < broken ? new JsonArray(new JsonObject { ["key"] = "gpu.nvidia.com/xid", ["value"] = "79", ["effect"] = "NoSchedule" }) : null,
            })]),
        },
    };

    private static async Task<string> VersionAsync(ClusterUnderTest cluster) =>
        ((JsonElement)await cluster.Client.CustomObjects.GetClusterCustomObjectAsync("resource.k8s.io", "v1", "resourceslices", "dra-slice", cancellationToken: Cancellation))
            .GetProperty("metadata").GetProperty("resourceVersion").GetString()!;

    /// <summary>Node and devices of the bound pods of a prefix, in order.</summary>
    private static async Task<List<string>> PlacedAsync(ClusterUnderTest cluster, string prefix)
    {
        var pods = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", fieldSelector: "spec.nodeName!=", cancellationToken: Cancellation)).Items;
        return [.. pods.Where(p => p.Metadata.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(p => $"{p.Spec.NodeName}: {string.Join(' ', Uuids(p))}").Order(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Uuids(V1Pod pod)
    {
        using var document = JsonDocument.Parse(pod.Metadata.Annotations["gpuscheduler.io/assigned-devices"]);
        return [.. document.RootElement.EnumerateArray().Select(d => d.TryGetProperty("uuid", out var uuid) ? uuid.GetString()! : "?")];
    }
}
