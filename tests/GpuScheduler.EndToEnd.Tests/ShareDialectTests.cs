using System.Globalization;
using System.Text.Json;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Pods of four other sharing stacks, through a real kube-scheduler to nodes of theirs, whose device plugins are played.</summary>
public sealed class ShareDialectTests
{
    private const int T4 = 15_109;
    private const int A100 = 40_960;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_in_the_words_of_four_stacks_are_bound_and_their_device_plugins_hand_out_what_they_asked_for()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await AddAsync(cluster, "gpushare", T4, 2, ("aliyun.com/gpu-mem", "28"), ("aliyun.com/gpu-count", "2"));
        await AddAsync(cluster, "hami", A100, 2, ("nvidia.com/gpu", "20"));
        await AddAsync(cluster, "volcano", A100, 2, ("volcano.sh/vgpu-number", "20"), ("volcano.sh/vgpu-memory", "81920"), ("volcano.sh/vgpu-cores", "200"));
        await AddAsync(cluster, "plain", A100, 2, ("nvidia.com/gpu", "2"));
        await cluster.StartExtenderAsync(Cancellation, ("Dialects:NodeWait", "00:00:10"));
        await cluster.StartSchedulerAsync("cluster-wide/kube-scheduler-config/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);

        V1Pod[] pods =
        [
            Pod("g0", [], ("aliyun.com/gpu-mem", 8)),
            Pod("g1", [], ("aliyun.com/gpu-mem", 8)),
            Pod("g2", [], ("aliyun.com/gpu-mem", 2)),
            Pod("g3", [], ("aliyun.com/gpu-mem", 2)),
            Pod("h0", [], ("nvidia.com/gpu", 1), ("nvidia.com/gpumem", 20_000), ("nvidia.com/gpucores", 30)),
            Pod("h1", [], ("nvidia.com/gpu", 2), ("nvidia.com/gpumem-percentage", 25)),
            Pod("h2", [("nvidia.com/use-gpuuuid", "GPU-hami-1")], ("nvidia.com/gpu", 1), ("nvidia.com/gpumem", 10_000), ("nvidia.com/gpucores", 70)),
            Pod("v0", [], ("volcano.sh/vgpu-number", 2), ("volcano.sh/vgpu-memory", 3_000), ("volcano.sh/vgpu-cores", 40)),
            Pod("v1", [], ("volcano.sh/vgpu-number", 1), ("volcano.sh/vgpu-memory-percentage", 50)),
            Pod("k0", [("gpu-fraction", "0.5")], ("gpuscheduler.io/shared-gpu", 1)),
            Pod("k1", [("gpu-memory", "20000")], ("gpuscheduler.io/shared-gpu", 1)),
        ];
        var plugins = new PlayedPlugins(cluster.Client, Cancellation);
        await cluster.AddPodsAsync(pods, Cancellation);
        var bound = 0;
        await Eventually.TrueAsync(
            async () =>
            {
                await plugins.HamiAsync("hami");

                // Has kube-scheduler look again at what it has put aside.
                await cluster.NudgeAsync("plain", Cancellation);
                bound = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", fieldSelector: "spec.nodeName!=", cancellationToken: Cancellation)).Items.Count;
                return bound == pods.Length;
            },

            // A pod that is refused, since another holds what it wants, may lie for 90 s with this kube-scheduler, and be refused again.
            TimeSpan.FromMinutes(4), () => $"{bound} of {pods.Length} pods are bound", Cancellation);
        await plugins.HamiAsync("hami");
        await plugins.GpushareAsync("gpushare", 1024, 2);
        await plugins.VolcanoAsync("volcano");
        await plugins.VolcanoAsync("volcano");

        Assert.Empty(plugins.Failures);
        var nodes = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", cancellationToken: Cancellation)).Items.ToDictionary(p => p.Metadata.Name, p => p.Spec.NodeName);
        Assert.All(nodes.Where(p => p.Key[0] is not 'k'), p => Assert.Equal(p.Key[0], p.Value[0]));
        Assert.All(plugins.HandedOut.GroupBy(h => (h.Node, h.Gpu)), gpu =>
        {
            Assert.True(gpu.Sum(h => h.MemoryMiB) <= (gpu.Key.Node == "gpushare" ? T4 : A100), $"{gpu.Key}: {string.Join("; ", gpu)}");
            Assert.True(gpu.Sum(h => h.Cores) <= 100, $"{gpu.Key}: {string.Join("; ", gpu)}");
        });
        Assert.Equal(
            [("h0", 20_000, 30), ("h1", A100 / 4, 0), ("h1", A100 / 4, 0), ("h2", 10_000, 70), ("v0", 3_000, 40), ("v0", 3_000, 40), ("v1", A100 / 2, 0)],
            plugins.HandedOut.Where(h => h.Pod[0] != 'g').Select(h => (h.Pod, h.MemoryMiB, h.Cores)).Order());
        Assert.Equal(["g0", "g1", "g2", "g3"], plugins.HandedOut.Where(h => h.Pod[0] == 'g').Select(h => h.Pod).Order());
        Assert.Equal("GPU-hami-1", plugins.HandedOut.Single(h => h.Pod == "h2").Gpu);
        Assert.DoesNotContain("hami.io/mutex.lock", (await cluster.Client.CoreV1.ReadNodeAsync("hami", cancellationToken: Cancellation)).Metadata.Annotations?.Keys ?? []);

        // One more of each finds its node full, whichever stack's pods filled it; and a restart of ours sees the same.
        await cluster.StopExtenderAsync();
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.AddPodsAsync([Pod("full-g", [], ("aliyun.com/gpu-mem", 7)), Pod("full-h", [], ("nvidia.com/gpu", 1), ("nvidia.com/gpumem", 40_000)), Pod("wrong", [("gpu-fraction", "half")], ("gpuscheduler.io/shared-gpu", 1))], Cancellation);
        var told = new Dictionary<string, string?>();
        await Eventually.TrueAsync(
            async () =>
            {
                told = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", cancellationToken: Cancellation)).Items
                    .Where(p => p.Metadata.Name is "full-g" or "full-h" or "wrong").ToDictionary(p => p.Metadata.Name, p => p.Spec.NodeName ?? p.Status.Conditions?.FirstOrDefault()?.Message);
                return told.Values.All(v => v is not null);
            },
            TimeSpan.FromMinutes(1), () => "kube-scheduler says nothing of the pods that do not fit", Cancellation);
        Assert.Contains("not enough free GPU memory or compute to share", told["full-g"], StringComparison.Ordinal);
        Assert.Contains("not enough free GPU memory or compute to share", told["full-h"], StringComparison.Ordinal);
        Assert.Contains("annotation gpu-fraction: \"half\" cannot be used", told["wrong"], StringComparison.Ordinal);
    }

    private static V1Pod Pod(string name, (string Name, string Value)[] annotations, params (string Resource, int Count)[] requests)
    {
        var pod = Workload.Pod(name, "default-scheduler", requests, []);
        pod.Metadata.Annotations = annotations.ToDictionary(a => a.Name, a => a.Value);
        return pod;
    }

    private static async Task AddAsync(ClusterUnderTest cluster, string name, int memory, int gpus, params (string Resource, string Quantity)[] resources)
    {
        var labels = new Dictionary<string, string> { ["nvidia.com/gpu.count"] = gpus.ToString(CultureInfo.InvariantCulture), ["nvidia.com/gpu.memory"] = memory.ToString(CultureInfo.InvariantCulture) };
        await cluster.Client.CoreV1.CreateNodeAsync(Workload.Node(name, labels, resources.ToDictionary(r => r.Resource, r => r.Quantity)), cancellationToken: Cancellation);
        var report = JsonSerializer.SerializeToElement(new
        {
            apiVersion = "gpuscheduler.io/v1",
            kind = "GpuNode",
            metadata = new { name },
            spec = new { gpus = Enumerable.Range(0, gpus).Select(i => new { index = i, uuid = $"GPU-{name}-{i}", memoryMib = memory, migMode = "MIG_MODE_DISABLED" }) },
        });
        await cluster.Client.CustomObjects.CreateClusterCustomObjectAsync(report, "gpuscheduler.io", "v1", "gpunodes", cancellationToken: Cancellation);
    }
}
