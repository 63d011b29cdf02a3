using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>kubectl gpu on the real control plane, through the API server's proxy to the service.</summary>
public sealed class PluginTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_gang_that_waits_is_explained_through_the_service_proxy_and_nothing_changes()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        var address = KubectlGpu.OwnAddress();
        Assert.SkipWhen(address is null, "the machine has no address but loopback, which the API server's proxy does not reach");
        var port = LoopbackPorts.Pick(1)[0];
        await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100("n0", "rack-0"), cancellationToken: Cancellation);
        await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100("n1", "rack-0"), cancellationToken: Cancellation);
        var old = Workload.Pod("old", "gpu-scheduler", Workload.Whole(8), []);
        (old.Spec.NodeName, old.Spec.ActiveDeadlineSeconds) = ("n0", 3600);
        await cluster.AddPodsAsync([old], Cancellation);
        await cluster.Client.CoreV1.PatchNamespacedPodStatusAsync(new V1Patch("""{"status":{"phase":"Running","startTime":"START"}}""".Replace("START", DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), StringComparison.Ordinal), V1Patch.PatchType.MergePatch), "old", "default", cancellationToken: Cancellation);
        await cluster.StartExtenderAsync(Cancellation, ("Urls", $"{cluster.Url};http://{address}:{port}"));
        await KubectlGpu.ServeAsync(cluster, address!, port, node: "n1", Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        var gang = new GangJob("train", "gpuscheduler", 2, 8, "gpu-scheduler");
        await cluster.AddPodsAsync([gang.Pod(0), gang.Pod(1)], Cancellation);

        var way = KubectlGpu.WayTo(cluster);
        await Eventually.TrueAsync(async () => (await KubectlGpu.RunAsync(way, "gangs", "-o", "json")).Json.GetProperty("gangs") is { } gangs && gangs.GetArrayLength() == 1 && gangs[0].GetProperty("state").GetString() == "unplaced" && gangs[0].TryGetProperty("queuePlace", out _), TimeSpan.FromMinutes(1), () => "the gang does not wait", Cancellation);
        var before = Holds(cluster);

        var why = await KubectlGpu.RunAsync(way, "why", "train-0", "-o", "json");
        Assert.Equal((0, 1), (why.Code, why.Json.GetProperty("gang").GetProperty("queuePlace").GetInt32()));
        Assert.Contains("short of 1 node with 8 GPUs free", why.Json.GetProperty("missing").GetString(), StringComparison.Ordinal);
        Assert.InRange(why.Json.GetProperty("expected").GetProperty("at").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(50), DateTimeOffset.UtcNow.AddMinutes(61));
        Assert.Contains("Expected: by ", (await KubectlGpu.RunAsync(way, "why", "gang:train")).Text, StringComparison.Ordinal);

        var shortfall = await KubectlGpu.RunAsync(way, "capacity-shortfall", "-o", "json");
        Assert.Equal(1, shortfall.Json.GetProperty("add")[0].GetProperty("nodes").GetInt32());
        Assert.Equal("default/train", shortfall.Json.GetProperty("helped")[0].GetProperty("name").GetString());

        Assert.Equal(0, (await KubectlGpu.RunAsync(way, "drain-plan", "n0")).Code);
        Assert.Contains("n1", (await KubectlGpu.RunAsync(way, "drain-plan", "n0")).Text, StringComparison.Ordinal);
        Assert.Contains("H100", (await KubectlGpu.RunAsync(way, "nodes")).Text, StringComparison.Ordinal);
        Assert.Contains("default/old", (await KubectlGpu.RunAsync(way, "topology", "n0")).Text, StringComparison.Ordinal);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, resources: {limits: {nvidia.com/gpu: 8}}}]}\n", Cancellation);
        var whatIf = await KubectlGpu.RunAsync(way, "what-if", "-f", file);
        File.Delete(file);
        Assert.Equal(0, whatIf.Code);
        Assert.Contains("n1", whatIf.Text, StringComparison.Ordinal);

        Assert.Equal(before, Holds(cluster));
        TestContext.Current.TestOutputHelper?.WriteLine((await KubectlGpu.RunAsync(way, "why", "train-0")).Text);
    }

    private static string Holds(ClusterUnderTest cluster) => string.Join('\n', cluster.Extender.Services.GetRequiredService<ClusterState>().Current.Nodes.OfType<NodeInfo>()
        .SelectMany(n => n.Allocations).Select(a => $"{a.Pod} {a.Node} {a.State}").Order(StringComparer.Ordinal));
}
