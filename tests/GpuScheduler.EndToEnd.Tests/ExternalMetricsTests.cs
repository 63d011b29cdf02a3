using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using GpuScheduler.Testing;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>The queue as external.metrics.k8s.io, asked of the real API server, whose aggregator passes it on.</summary>
public sealed class ExternalMetricsTests
{
    private const string Autoscaler = "system:serviceaccount:kube-system:horizontal-pod-autoscaler";
    private const string Stranger = "system:serviceaccount:default:stranger";
    private const string Root = "/apis/external.metrics.k8s.io/v1beta1";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_autoscaler_reads_the_queue_through_the_API_server_and_nobody_reads_it_otherwise()
    {
        using var frontProxy = TestCertificates.Create();
        await using var cluster = await ClusterUnderTest.StartAsync(tls: true, Cancellation, o => o with
        {
            Users = [.. o.Users, StaticUser.ServiceAccount("kube-system", "horizontal-pod-autoscaler"), StaticUser.ServiceAccount("default", "stranger")],
            ExtraApiServerArguments =
            [
                $"--requestheader-client-ca-file={frontProxy.Authority}", "--requestheader-allowed-names=kube-scheduler", "--requestheader-username-headers=X-Remote-User",
                "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                $"--proxy-client-cert-file={frontProxy.ClientCertificate}", $"--proxy-client-key-file={frontProxy.ClientKey}",
            ],
        });
        await cluster.AllowExternalMetricsAsync(Cancellation);
        await cluster.AddNodesAsync(2, Cancellation);
        await cluster.AddPodsAsync([Workload.Pod("one", "nobody", [("nvidia.com/gpu", 2)], []), Workload.Pod("two", "nobody", [("nvidia.com/gpu", 1)], [])], Cancellation);
        var port = LoopbackPorts.Pick(1)[0];
        await cluster.StartExtenderAsync(Cancellation, ("ExternalMetrics:Urls", string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{port}")));
        await InstallAsync(cluster, port);
        using var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator });

        var last = "";
        await Eventually.TrueAsync(
            async () =>
            {
                var (code, text) = await GetAsync(http, cluster, Autoscaler, $"{Root}/namespaces/default/gpu_scheduler_pending_pods");
                last = text;
                return code == HttpStatusCode.OK && Values(text).SequenceEqual(["gang 0", "single 2"]);
            },
            TimeSpan.FromMinutes(1), () => $"{last}\n{cluster.Plane.LogTail(20)}", Cancellation);

        Assert.Equal(["gang 0", "single 3"], Values((await GetAsync(http, cluster, Autoscaler, $"{Root}/namespaces/default/gpu_scheduler_waiting_gpus")).Text));
        Assert.Equal(["gang 0", "single 0"], Values((await GetAsync(http, cluster, Autoscaler, $"{Root}/namespaces/kube-system/gpu_scheduler_waiting_gpus")).Text));
        Assert.Equal(["single 3"], Values((await GetAsync(http, cluster, Autoscaler, $"{Root}/namespaces/kube-system/gpu_scheduler_waiting_gpus?labelSelector=scope%3Dcluster,kind%20in%20(single)")).Text));
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync(http, cluster, Stranger, $"{Root}/namespaces/default/gpu_scheduler_waiting_gpus")).Code);
        var discovery = await GetAsync(http, cluster, Autoscaler, Root);
        Assert.Contains("gpu_scheduler_gang_wait_seconds", discovery.Text, StringComparison.Ordinal);
        var wrong = await GetAsync(http, cluster, cluster.Plane.AdminToken, $"{Root}/namespaces/default/gpu_scheduler_waiting_gpus?labelSelector=a%3D%3D%3Db", isToken: true);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.Code);

        await WithKubectlAsync(cluster);

        // Somebody who reaches the port is not the aggregator: without a certificate, or with one that another authority signed.
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri($"https://127.0.0.1:{port}{Root}"), Cancellation));
    }

    /// <summary>As the manifests do it, but for the address, which is a name here because an Endpoints object cannot hold a loopback address.</summary>
    private static async Task InstallAsync(ClusterUnderTest cluster, int port)
    {
        await cluster.Client.CoreV1.CreateNamespacedServiceAsync(
            new V1Service
            {
                Metadata = new V1ObjectMeta { Name = "gpu-scheduler-extender" },
                Spec = new V1ServiceSpec { Type = "ExternalName", ExternalName = "localhost", Ports = [new V1ServicePort { Port = port }] },
            }, "gpu-scheduler", cancellationToken: Cancellation);
        var yaml = await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "manifests", "external-metrics", "apiservice.yaml"), Cancellation);
        var service = KubernetesYaml.Deserialize<V1APIService>(yaml);
        service.Spec.Service.Port = port;
        service.Spec.CaBundle = Encoding.ASCII.GetBytes(await cluster.ReadAuthorityAsync(Cancellation));
        await cluster.Client.ApiregistrationV1.CreateAPIServiceAsync(service, cancellationToken: Cancellation);
    }

    private static async Task WithKubectlAsync(ClusterUnderTest cluster)
    {
        if (!File.Exists("/usr/bin/kubectl"))
        {
            return;
        }

        var start = new ProcessStartInfo("/usr/bin/kubectl", ["--kubeconfig", cluster.Plane.WriteKubeconfig(cluster.Plane.TokenFor(Autoscaler)), "get", "--raw", $"{Root}/namespaces/default/gpu_scheduler_waiting_gangs?labelSelector=state=unplaced"])
        {
            RedirectStandardOutput = true,
        };
        using var kubectl = Process.Start(start)!;
        var output = await kubectl.StandardOutput.ReadToEndAsync(Cancellation);
        await kubectl.WaitForExitAsync(Cancellation);
        Assert.Equal(0, kubectl.ExitCode);
        Assert.Contains("\"value\":\"0\"", output, StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Code, string Text)> GetAsync(HttpClient http, ClusterUnderTest cluster, string user, string path, bool isToken = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Plane.ApiServer, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", isToken ? user : cluster.Plane.TokenFor(user));
        using var answer = await http.SendAsync(request, Cancellation);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }

    private static IEnumerable<string> Values(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.GetProperty("items").EnumerateArray().Select(i => $"{i.GetProperty("metricLabels").GetProperty("kind").GetString()} {i.GetProperty("value").GetString()}")];
    }
}
