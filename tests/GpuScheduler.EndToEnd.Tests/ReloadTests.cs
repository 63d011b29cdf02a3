using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using GpuScheduler.Testing.ControlPlane;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>The file with the settings of a running service changes while kube-scheduler has pods bound.</summary>
public sealed class ReloadTests
{
    /// <summary>Pods that come while the settings change, and as many again when they have.</summary>
    private const int Pods = 25;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Weights_and_a_canary_change_while_pods_are_bound_and_no_bind_fails()
    {
        using var file = new TemporaryFile("{}");
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.AddNodesAsync(80, Cancellation);
        await cluster.StartExtenderProcessAsync(Cancellation, "--config", file.Path);
        await cluster.StartSchedulerAsync("cluster-wide/kube-scheduler-config/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        using var http = new HttpClient { BaseAddress = new Uri(cluster.Url) };

        var bound = 0;
        for (var generation = 2; generation <= 4; generation++)
        {
            var share = generation == 3 ? "1" : "0";
            await File.WriteAllTextAsync(
                file.Path,
                string.Create(CultureInfo.InvariantCulture, $$$"""{"Engine":{"Weights":{"Topology":{{{generation}}}} },"Profiles":{"try":{"Policy":"bestfit"} },"Canary":{"Profile":"try","Share":{{{share}}},"Namespaces":"other"} }"""),
                Cancellation);
            var adding = cluster.AddPodsAsync(Workload.Pods(Pods, "default-scheduler", seed: 2 * generation), Cancellation);
            await Eventually.TrueAsync(
                async () => JsonDocument.Parse(await http.GetStringAsync(new Uri("/v1/config", UriKind.Relative), Cancellation)).RootElement.GetProperty("generation").GetInt32() == generation,
                TimeSpan.FromMinutes(1), () => $"generation {generation} of the settings was not taken", Cancellation);
            await adding;
            await cluster.AddPodsAsync(Workload.Pods(Pods, "default-scheduler", seed: (2 * generation) + 1), Cancellation);
            await cluster.BoundAsync(bound += 2 * Pods, TimeSpan.FromMinutes(4), Cancellation);
        }

        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
        var metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation);
        Assert.DoesNotMatch(new Regex("gpu_scheduler_decisions_total\\{[^}]*outcome=\"(error|bad-request|invalid-pod)\""), metrics);
        Assert.DoesNotMatch(new Regex("gpu_scheduler_decisions_total\\{[^}]*outcome=\"unschedulable\"[^}]*verb=\"bind\""), metrics);
        Assert.Matches("gpu_scheduler_profile_decisions_total\\{[^}]*profile=\"try\"", metrics);
    }
}
