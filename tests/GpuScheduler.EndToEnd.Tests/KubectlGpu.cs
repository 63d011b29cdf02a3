using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;
using GpuScheduler.Kubectl;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>kubectl gpu, run in this process, through the API server's proxy to the service.</summary>
internal static class KubectlGpu
{
    /// <summary>The options by which it finds the service of <see cref="ServeAsync"/>.</summary>
    public static IReadOnlyList<string> WayTo(ClusterUnderTest cluster) =>
        ["--kubeconfig", cluster.Plane.WriteKubeconfig(cluster.Plane.AdminToken), "--service", "gpu-scheduler/http:gpu-scheduler-extender:8443", "-n", "default"];

    /// <summary>An address of this machine that is not loopback; null for none.</summary>
    public static IPAddress? OwnAddress() => NetworkInterface.GetAllNetworkInterfaces().Where(i => i.OperationalStatus == OperationalStatus.Up)
        .SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)
        .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a) && !a.ToString().StartsWith("169.254.", StringComparison.Ordinal));

    /// <summary>The Service of the manifests, with an endpoint where it has pods; <paramref name="node"/> is where its pod is said to be.</summary>
    public static async Task ServeAsync(ClusterUnderTest cluster, IPAddress address, int port, string node, CancellationToken cancellation)
    {
        var metadata = new V1ObjectMeta { Name = "gpu-scheduler-extender" };

        // The proxy goes to addresses of pods alone.
        var pod = Workload.Pod("gpu-scheduler-extender-0", "none", [], []);
        (pod.Metadata.NamespaceProperty, pod.Spec.NodeName) = ("gpu-scheduler", node);
        await cluster.Client.CoreV1.CreateNamespacedPodAsync(pod, "gpu-scheduler", cancellationToken: cancellation);
        var status = $"{{\"status\":{{\"phase\":\"Running\",\"podIP\":\"{address}\",\"podIPs\":[{{\"ip\":\"{address}\"}}]}}}}";
        await cluster.Client.CoreV1.PatchNamespacedPodStatusAsync(new V1Patch(status, V1Patch.PatchType.MergePatch), pod.Metadata.Name, "gpu-scheduler", cancellationToken: cancellation);
        await cluster.Client.CoreV1.CreateNamespacedServiceAsync(new V1Service { Metadata = metadata, Spec = new V1ServiceSpec { ClusterIP = "None", Ports = [new V1ServicePort { Name = "https", Port = 8443, TargetPort = port }] } }, "gpu-scheduler", cancellationToken: cancellation);
        await cluster.Client.CoreV1.CreateNamespacedEndpointsAsync(new V1Endpoints { Metadata = metadata, Subsets = [new V1EndpointSubset { Addresses = [new V1EndpointAddress { Ip = address.ToString(), TargetRef = new V1ObjectReference { Kind = "Pod", NamespaceProperty = "gpu-scheduler", Name = pod.Metadata.Name } }], Ports = [new Corev1EndpointPort { Name = "https", Port = port }] }] }, "gpu-scheduler", cancellationToken: cancellation);
    }

    /// <summary>Runs a command, which may write no errors.</summary>
    public static async Task<(int Code, string Text, JsonElement Json)> RunAsync(IReadOnlyList<string> way, params string[] args)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        using var errors = new StringWriter(CultureInfo.InvariantCulture);
        var code = await KubectlProgram.RunAsync([.. args, .. way], output, errors, TextReader.Null);
        Assert.True(errors.ToString().Length == 0, errors.ToString());
        return (code, output.ToString(), args.Contains("json") ? JsonDocument.Parse(output.ToString()).RootElement : default);
    }
}
