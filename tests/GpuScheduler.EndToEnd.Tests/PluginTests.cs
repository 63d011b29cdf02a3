using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Kubectl;
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
        var address = OwnAddress();
        Assert.SkipWhen(address is null, "the machine has no address but loopback, which the API server's proxy does not reach");
        var port = LoopbackPorts.Pick(1)[0];
        await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100("n0", "rack-0"), cancellationToken: Cancellation);
        await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100("n1", "rack-0"), cancellationToken: Cancellation);
        var old = Workload.Pod("old", "gpu-scheduler", Workload.Whole(8), []);
        (old.Spec.NodeName, old.Spec.ActiveDeadlineSeconds) = ("n0", 3600);
        await cluster.AddPodsAsync([old], Cancellation);
        await cluster.Client.CoreV1.PatchNamespacedPodStatusAsync(new V1Patch("""{"status":{"phase":"Running","startTime":"START"}}""".Replace("START", DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), StringComparison.Ordinal), V1Patch.PatchType.MergePatch), "old", "default", cancellationToken: Cancellation);
        await cluster.StartExtenderAsync(Cancellation, ("Urls", $"{cluster.Url};http://{address}:{port}"));
        await ServeAsync(cluster, address!, port);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        var gang = new GangJob("train", "gpuscheduler", 2, 8, "gpu-scheduler");
        await cluster.AddPodsAsync([gang.Pod(0), gang.Pod(1)], Cancellation);

        string[] way = ["--kubeconfig", cluster.Plane.WriteKubeconfig(cluster.Plane.AdminToken), "--service", "gpu-scheduler/http:gpu-scheduler-extender:8443", "-n", "default"];
        await Eventually.TrueAsync(async () => (await RunAsync(way, "gangs", "-o", "json")).Json.GetProperty("gangs") is { } gangs && gangs.GetArrayLength() == 1 && gangs[0].GetProperty("state").GetString() == "unplaced" && gangs[0].TryGetProperty("queuePlace", out _), TimeSpan.FromMinutes(1), () => "the gang does not wait", Cancellation);
        var before = Holds(cluster);

        var why = await RunAsync(way, "why", "train-0", "-o", "json");
        Assert.Equal((0, 1), (why.Code, why.Json.GetProperty("gang").GetProperty("queuePlace").GetInt32()));
        Assert.Contains("short of 1 node with 8 GPUs free", why.Json.GetProperty("missing").GetString(), StringComparison.Ordinal);
        Assert.InRange(why.Json.GetProperty("expected").GetProperty("at").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(50), DateTimeOffset.UtcNow.AddMinutes(61));
        Assert.Contains("Expected: by ", (await RunAsync(way, "why", "gang:train")).Text, StringComparison.Ordinal);

        var shortfall = await RunAsync(way, "capacity-shortfall", "-o", "json");
        Assert.Equal(1, shortfall.Json.GetProperty("add")[0].GetProperty("nodes").GetInt32());
        Assert.Equal("default/train", shortfall.Json.GetProperty("helped")[0].GetProperty("name").GetString());

        Assert.Equal(0, (await RunAsync(way, "drain-plan", "n0")).Code);
        Assert.Contains("n1", (await RunAsync(way, "drain-plan", "n0")).Text, StringComparison.Ordinal);
        Assert.Contains("H100", (await RunAsync(way, "nodes")).Text, StringComparison.Ordinal);
        Assert.Contains("default/old", (await RunAsync(way, "topology", "n0")).Text, StringComparison.Ordinal);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, resources: {limits: {nvidia.com/gpu: 8}}}]}\n", Cancellation);
        var whatIf = await RunAsync(way, "what-if", "-f", file);
        File.Delete(file);
        Assert.Equal(0, whatIf.Code);
        Assert.Contains("n1", whatIf.Text, StringComparison.Ordinal);

        Assert.Equal(before, Holds(cluster));
        TestContext.Current.TestOutputHelper?.WriteLine((await RunAsync(way, "why", "train-0")).Text);
    }

    /// <summary>An address of this machine that is not loopback; null for none.</summary>
    private static IPAddress? OwnAddress() => NetworkInterface.GetAllNetworkInterfaces().Where(i => i.OperationalStatus == OperationalStatus.Up)
        .SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)
        .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a) && !a.ToString().StartsWith("169.254.", StringComparison.Ordinal));

    /// <summary>The Service of the manifests, with an endpoint where it has pods.</summary>
    private static async Task ServeAsync(ClusterUnderTest cluster, IPAddress address, int port)
    {
        var metadata = new V1ObjectMeta { Name = "gpu-scheduler-extender" };

        // The proxy goes to addresses of pods alone.
        var pod = Workload.Pod("gpu-scheduler-extender-0", "none", [], []);
        (pod.Metadata.NamespaceProperty, pod.Spec.NodeName) = ("gpu-scheduler", "n1");
        await cluster.Client.CoreV1.CreateNamespacedPodAsync(pod, "gpu-scheduler", cancellationToken: Cancellation);
        var status = $"{{\"status\":{{\"phase\":\"Running\",\"podIP\":\"{address}\",\"podIPs\":[{{\"ip\":\"{address}\"}}]}}}}";
        await cluster.Client.CoreV1.PatchNamespacedPodStatusAsync(new V1Patch(status, V1Patch.PatchType.MergePatch), pod.Metadata.Name, "gpu-scheduler", cancellationToken: Cancellation);
        await cluster.Client.CoreV1.CreateNamespacedServiceAsync(new V1Service { Metadata = metadata, Spec = new V1ServiceSpec { ClusterIP = "None", Ports = [new V1ServicePort { Name = "https", Port = 8443, TargetPort = port }] } }, "gpu-scheduler", cancellationToken: Cancellation);
        await cluster.Client.CoreV1.CreateNamespacedEndpointsAsync(new V1Endpoints { Metadata = metadata, Subsets = [new V1EndpointSubset { Addresses = [new V1EndpointAddress { Ip = address.ToString(), TargetRef = new V1ObjectReference { Kind = "Pod", NamespaceProperty = "gpu-scheduler", Name = pod.Metadata.Name } }], Ports = [new Corev1EndpointPort { Name = "https", Port = port }] }] }, "gpu-scheduler", cancellationToken: Cancellation);
    }

    private static string Holds(ClusterUnderTest cluster) => string.Join('\n', cluster.Extender.Services.GetRequiredService<ClusterState>().Current.Nodes.OfType<NodeInfo>()
        .SelectMany(n => n.Allocations).Select(a => $"{a.Pod} {a.Node} {a.State}").Order(StringComparer.Ordinal));

    private static async Task<(int Code, string Text, JsonElement Json)> RunAsync(string[] way, params string[] args)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        using var errors = new StringWriter(CultureInfo.InvariantCulture);
        var code = await KubectlProgram.RunAsync([.. args, .. way], output, errors, TextReader.Null);
        Assert.True(errors.ToString().Length == 0, errors.ToString());
        return (code, output.ToString(), args.Contains("json") ? JsonDocument.Parse(output.ToString()).RootElement : default);
    }
}
