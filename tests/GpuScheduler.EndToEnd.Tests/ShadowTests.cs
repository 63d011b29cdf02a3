using System.Text.Json;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>A profile that decides without effect beside one that serves the real kube-scheduler; judged from the API server.</summary>
public sealed class ShadowTests
{
    private const int Before = 14;
    private const int Since = 46;
    private const int GangSize = 3;

    /// <summary>A profile with this name in an object would give itself away.</summary>
    private const string Profile = "scatter";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_shadow_adds_up_with_what_the_API_says_and_leaves_no_trace_there()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        var address = KubectlGpu.OwnAddress();
        Assert.SkipWhen(address is null, "the machine has no address but loopback, which the API server's proxy does not reach");
        var port = LoopbackPorts.Pick(1)[0];
        await cluster.AddNodesAsync(24, Cancellation);
        await KubectlGpu.ServeAsync(cluster, address!, port, "cpu-019", Cancellation);
        var nodes = await NodesAsync(cluster);

        // Some are there when the shadow begins: they are no news to it.
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("cluster-wide/kube-scheduler-config/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        await cluster.AddPodsAsync(Workload.Pods(Before, "default-scheduler", seed: 1), Cancellation);
        await BoundAsync(cluster, Before);
        var keys = Keys(await PodsAsync(cluster));
        await cluster.StopExtenderAsync();
        await cluster.StartExtenderAsync(
            Cancellation, ("Urls", $"{cluster.Url};http://{address}:{port}"), ($"Profiles:{Profile}:Policy", "random"), ("Shadow:Profile", Profile), ("Shadow:Interval", "00:00:00.2"));
        using var http = new HttpClient { BaseAddress = new Uri(cluster.Url) };
        await SeenAsync(cluster, http, pods: 0);

        var gang = new GangJob("train", "gpuscheduler", GangSize, 8, "default-scheduler");
        await cluster.AddPodsAsync(Enumerable.Range(0, GangSize).Select(gang.Pod), Cancellation);
        await BoundAsync(cluster, Before + GangSize);
        await cluster.AddPodsAsync(Workload.Pods(Since, "default-scheduler", seed: 2), Cancellation);
        await BoundAsync(cluster, Before + GangSize + Since);
        await AgreesAsync(cluster, http, GangSize + Since);

        // Some of both end: by deletion, and by themselves.
        foreach (var name in new[] { "job-1-0002", "job-1-0009", "job-2-0000", "job-2-0004", "job-2-0007", "job-2-0011", "train-1" })
        {
            await cluster.Client.CoreV1.DeleteNamespacedPodAsync(name, "default", new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: Cancellation);
        }

        await cluster.Client.CoreV1.PatchNamespacedPodStatusAsync(new V1Patch("""{"status":{"phase":"Succeeded"}}""", V1Patch.PatchType.MergePatch), "job-2-0003", "default", cancellationToken: Cancellation);
        var left = GangSize + Since - 6;
        await AgreesAsync(cluster, http, left);

        var way = KubectlGpu.WayTo(cluster);
        var (code, text, _) = await KubectlGpu.RunAsync(way, "shadow");
        Assert.Equal(0, code);
        Assert.Contains($"Profile {Profile} (random) since ", text, StringComparison.Ordinal);
        Assert.Contains($"Of {left} pods that came since and have not ended, ", text, StringComparison.Ordinal);
        Assert.Equal(left, (await KubectlGpu.RunAsync(way, "shadow", "-o", "json")).Json.GetProperty("pods").GetInt32());
        TestContext.Current.TestOutputHelper?.WriteLine(text);

        Assert.Equal(nodes, await NodesAsync(cluster));
        Assert.Subset(keys, Keys((await PodsAsync(cluster)).Where(p => !p.Metadata.Name.StartsWith("train-", StringComparison.Ordinal))));
        Assert.All(await EverythingAsync(cluster), o => Assert.False(o.Contains("shadow", StringComparison.OrdinalIgnoreCase) || o.Contains(Profile, StringComparison.Ordinal), o));
    }

    /// <summary>Waits until so many pods are bound. 1.20 lets a pod that was asked about while the service was away sleep for up to 90 s; any change of a node wakes it.</summary>
    private static async Task BoundAsync(ClusterUnderTest cluster, int count)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var nudging = NudgeAsync(cluster, done.Token);
        await cluster.BoundAsync(count, TimeSpan.FromMinutes(2), Cancellation);
        await done.CancelAsync();
        await nudging.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task NudgeAsync(ClusterUnderTest cluster, CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(TimeSpan.FromSeconds(5), cancellation);
            await cluster.NudgeAsync("cpu-019", cancellation);
        }
    }

    /// <summary>Waits until the shadow has seen what the API says, and then holds its figures against each other.</summary>
    private static async Task AgreesAsync(ClusterUnderTest cluster, HttpClient http, int pods)
    {
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
        var gpus = (await cluster.Client.CoreV1.ListNodeAsync(cancellationToken: Cancellation)).Items
            .Sum(n => n.Metadata.Labels.TryGetValue("nvidia.com/gpu.count", out var count) ? int.Parse(count, System.Globalization.CultureInfo.InvariantCulture) : 0);
        var shadow = await SeenAsync(cluster, http, pods);
        Assert.Equal((gpus, 0, "control"), (shadow.GetProperty("gpus").GetInt32(), shadow.GetProperty("ends").GetInt32(), shadow.GetProperty("comparedWith").GetString()));
        var figures = shadow.GetProperty("figures");
        foreach (var side in new[] { "live", "control", "shadow" })
        {
            Assert.Equal(gpus, figures.GetProperty(side).GetProperty("allocatedGpus").GetDouble() + figures.GetProperty(side).GetProperty("idleGpus").GetDouble(), 0.05);
        }

        var places = shadow.GetProperty("places");
        var (same, elsewhere) = (places.GetProperty("same").GetInt32(), places.GetProperty("elsewhere").GetInt32());
        Assert.Equal(0, Waiting("live"));
        Assert.Equal(pods - Waiting("control"), same + elsewhere + places.GetProperty("referenceOnly").GetInt32());
        Assert.Equal(pods - Waiting("shadow"), same + elsewhere + places.GetProperty("shadowOnly").GetInt32());
        Assert.True(elsewhere > 0, "random chance has every pod on the same node");

        int Waiting(string side) => figures.GetProperty(side).GetProperty("waitingPods").GetInt32();
    }

    /// <summary>Waits until one answer has so many pods and, of the cluster itself, the GPUs in use that are written on its pods.</summary>
    private static async Task<JsonElement> SeenAsync(ClusterUnderTest cluster, HttpClient http, int pods)
    {
        var inUse = await ApiAudit.GpusInUseAsync(cluster.Client, Cancellation);
        JsonElement shown = default;
        string? text = null;
        await Eventually.TrueAsync(
            async () =>
            {
                shown = JsonDocument.Parse(text = await http.GetStringAsync(new Uri("/v1/shadow", UriKind.Relative), Cancellation)).RootElement;

                // The service counts in thousandths of each GPU.
                return shown.GetProperty("state").GetString() == "running" && shown.TryGetProperty("figures", out var figures) && shown.GetProperty("pods").GetInt32() == pods
                    && Math.Abs(figures.GetProperty("live").GetProperty("allocatedGpus").GetDouble() - inUse) < 0.02;
            },
            TimeSpan.FromSeconds(30), () => $"{pods} pods and {inUse} GPUs in use were expected: {text?[..text.IndexOf("\"differences\"", StringComparison.Ordinal)]}", Cancellation);
        return shown;
    }

    private static async Task<IList<V1Pod>> PodsAsync(ClusterUnderTest cluster) => (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", cancellationToken: Cancellation)).Items;

    /// <summary>Names of the annotations and labels that there are.</summary>
    private static HashSet<string> Keys(IEnumerable<V1Pod> pods) =>
        [.. pods.SelectMany(p => (p.Metadata.Annotations?.Keys ?? []).Concat(p.Metadata.Labels?.Keys ?? []))];

    /// <summary>Every node in the version that it has, but for the one that this test touches itself.</summary>
    private static async Task<List<string>> NodesAsync(ClusterUnderTest cluster) =>
    [
        .. (await cluster.Client.CoreV1.ListNodeAsync(cancellationToken: Cancellation)).Items
            .Where(n => n.Metadata.Name != "cpu-019").Select(n => $"{n.Metadata.Name} {n.Metadata.ResourceVersion}").Order(StringComparer.Ordinal),
    ];

    /// <summary>All objects of the kinds that the service may write, as text.</summary>
    private static async Task<List<string>> EverythingAsync(ClusterUnderTest cluster)
    {
        var client = cluster.Client;
        IEnumerable<IKubernetesObject> objects =
        [
            .. (await client.CoreV1.ListNodeAsync(cancellationToken: Cancellation)).Items,
            .. (await client.CoreV1.ListPodForAllNamespacesAsync(cancellationToken: Cancellation)).Items,
            .. (await client.CoreV1.ListConfigMapForAllNamespacesAsync(cancellationToken: Cancellation)).Items,
            .. (await client.EventsV1.ListEventForAllNamespacesAsync(cancellationToken: Cancellation)).Items,
            .. (await client.CoordinationV1.ListLeaseForAllNamespacesAsync(cancellationToken: Cancellation)).Items,
        ];
        var reports = await client.CustomObjects.ListClusterCustomObjectAsync("gpuscheduler.io", "v1", "gpunodes", cancellationToken: Cancellation);
        return [.. objects.Select(o => KubernetesJson.Serialize(o)), reports.ToString()!];
    }
}
