using System.Text.Json;
using System.Text.RegularExpressions;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>A canary that decides for one of two namespaces under the real kube-scheduler, until it is withdrawn.</summary>
public sealed class CanaryTests
{
    /// <summary>Two of every kind of request.</summary>
    private const int Pods = 28;

    private const string Space = "team";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_canary_serves_its_namespace_until_it_refuses_too_much_and_pods_of_both_are_bound_all_the_while()
    {
        using var file = new TemporaryFile(Settings(""));
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.Client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = Space } }, cancellationToken: Cancellation);
        await cluster.AddNodesAsync(60, Cancellation);
        await cluster.StartExtenderProcessAsync(Cancellation, "--config", file.Path);
        await cluster.StartSchedulerAsync("cluster-wide/kube-scheduler-config/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        using var http = new HttpClient { BaseAddress = new Uri(cluster.Url) };
        await AddAndBindAsync(cluster, seed: 1, bound: Pods, boundOfTeam: Pods);
        var canary = await AskAsync(http, "/v1/canary");
        Assert.Equal("serves", canary.GetProperty("state").GetString());
        Assert.Equal((Pods, 0, Pods, 0), Counts(canary));
        Assert.InRange(canary.GetProperty("latency").GetProperty("decisions").GetInt64(), Pods, long.MaxValue);
        Assert.Equal(("tight", "base"), (await ProfileOfAsync(http, Space), await ProfileOfAsync(http, "default")));

        // Other limits make it a canary that is judged anew; its pods of now ask for a GPU that there is not.
        await ReplaceAsync(http, file, Settings(""","MinPods":5,"MaxRefusalIncrease":0.5"""), generation: 2);
        await cluster.AddPodsAsync(Ones("fits", "default", []), Cancellation);
        await cluster.BoundAsync(Pods + 8, TimeSpan.FromMinutes(2), Cancellation);
        Assert.Equal("serves", (await AskAsync(http, "/v1/canary")).GetProperty("state").GetString());
        await cluster.AddPodsAsync(Ones("never", Space, [("gpu-model", "B300")]), Cancellation);
        await Eventually.TrueAsync(
            async () => (canary = await AskAsync(http, "/v1/canary")).GetProperty("state").GetString() == "withdrawn",
            TimeSpan.FromMinutes(1), () => $"it was not withdrawn: {canary}", Cancellation);
        Assert.Equal((8, 0, 5, 5), Counts(canary));
        Assert.Equal(1, canary.GetProperty("refusals").GetProperty("increase").GetDouble());
        Assert.StartsWith("it refused 5 of 5 pods at first, the other profile 0 of 8", canary.GetProperty("withdrawn").GetProperty("why").GetString(), StringComparison.Ordinal);
        Assert.Equal("base", await ProfileOfAsync(http, Space));

        // It stays withdrawn when something else is changed, and pods are bound as ever.
        await ReplaceAsync(http, file, Settings(""","MinPods":5,"MaxRefusalIncrease":0.5""", topology: 2), generation: 3);
        await AddAndBindAsync(cluster, seed: 2, bound: (2 * Pods) + 8, boundOfTeam: 2 * Pods);
        Assert.Equal("withdrawn", (await AskAsync(http, "/v1/canary")).GetProperty("state").GetString());
        Assert.Equal((8, 0, 5, 5), Counts(await AskAsync(http, "/v1/canary")));
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
        var metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation);
        Assert.Matches("gpu_scheduler_canary_active\\{[^}]*profile=\"tight\"[^}]*\\} 0\n", metrics);
        Assert.Matches("gpu_scheduler_canary_withdrawals_total\\{[^}]*reason=\"refusals\"[^}]*\\} 1\n", metrics);
        Assert.DoesNotMatch(new Regex("gpu_scheduler_decisions_total\\{[^}]*outcome=\"(error|bad-request|invalid-pod)\""), metrics);
        Assert.DoesNotMatch(new Regex("gpu_scheduler_decisions_total\\{[^}]*outcome=\"unschedulable\"[^}]*verb=\"bind\""), metrics);
    }

    /// <summary>A canary of one namespace, for which no decision is slow on any machine.</summary>
    private static string Settings(string limits, int topology = 1) => $$$"""
        {
          "Engine": { "Weights": { "Topology": {{{topology}}} } },
          "Profiles": { "tight": { "Policy": "fgd" } },
          "Canary": { "Profile": "tight", "Namespaces": "{{{Space}}}", "MaxLatency": "00:00:30"{{{limits}}} }
        }
        """;

    /// <summary>As many pods of the same kinds in both namespaces.</summary>
    private static async Task AddAndBindAsync(ClusterUnderTest cluster, int seed, int bound, int boundOfTeam)
    {
        await cluster.AddPodsAsync([.. Workload.Pods(Pods, "default-scheduler", seed), .. Workload.Pods(Pods, "default-scheduler", seed).Select(p => In(p, Space))], Cancellation);
        await cluster.BoundAsync(bound, TimeSpan.FromMinutes(2), Cancellation);
        await cluster.BoundAsync(boundOfTeam, TimeSpan.FromMinutes(2), Cancellation, Space);
    }

    private static IEnumerable<V1Pod> Ones(string name, string space, (string, string)[] annotations) =>
        Enumerable.Range(0, 8).Select(i => In(Workload.Pod($"{name}-{i}", "default-scheduler", Workload.Whole(1), annotations), space));

    private static V1Pod In(V1Pod pod, string space)
    {
        pod.Metadata.NamespaceProperty = space;
        return pod;
    }

    private static async Task ReplaceAsync(HttpClient http, TemporaryFile file, string settings, int generation)
    {
        await File.WriteAllTextAsync(file.Path, settings, Cancellation);
        JsonElement config = default;
        await Eventually.TrueAsync(
            async () => (config = await AskAsync(http, "/v1/config")).GetProperty("generation").GetInt32() == generation,
            TimeSpan.FromMinutes(1), () => $"the settings were not taken: {config}", Cancellation);
    }

    /// <summary>Pods of the base and refused of them, and the same of the canary.</summary>
    private static (int BasePods, int BaseRefused, int CanaryPods, int CanaryRefused) Counts(JsonElement canary)
    {
        var refusals = canary.GetProperty("refusals");
        return (refusals.GetProperty("basePods").GetInt32(), refusals.GetProperty("baseRefused").GetInt32(), refusals.GetProperty("canaryPods").GetInt32(), refusals.GetProperty("canaryRefused").GetInt32());
    }

    private static async Task<string?> ProfileOfAsync(HttpClient http, string space) => (await AskAsync(http, $"/v1/canary?namespace={space}")).GetProperty("profile").GetString();

    private static async Task<JsonElement> AskAsync(HttpClient http, string path) => JsonDocument.Parse(await http.GetStringAsync(new Uri(path, UriKind.Relative), Cancellation)).RootElement;
}
