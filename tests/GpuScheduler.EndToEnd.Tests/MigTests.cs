using GpuScheduler.Testing;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Changes of MIG layouts on the real control plane, with a stand-in for mig-manager.</summary>
public sealed class MigTests
{
    private static readonly Dictionary<string, (string Profile, int Count)> s_configs = new()
    {
        ["all-1g.10gb"] = ("1g.10gb", 7),
        ["all-3g.40gb"] = ("3g.40gb", 2),
        ["all-7g.80gb"] = ("7g.80gb", 1),
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_small_pod_gets_a_place_on_a_node_that_was_cut_for_large_ones_and_the_node_in_use_stays_as_it_is()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        var (manager, running, stop) = await StartAsync(cluster);
        await cluster.AddPodsAsync([Workload.Pod("user", "default-scheduler", [("nvidia.com/mig-7g.80gb", 1)], [])], Cancellation);
        await cluster.BoundAsync(1, TimeSpan.FromMinutes(1), Cancellation);
        var used = await NodeOfAsync(cluster, "user");

        await cluster.AddPodsAsync(Enumerable.Range(0, 3).Select(i => Workload.Pod($"small-{i}", "default-scheduler", [("nvidia.com/mig-1g.10gb", 1)], [])), Cancellation);
        await cluster.BoundAsync(4, TimeSpan.FromMinutes(2), Cancellation);

        var other = used == "n1" ? "n2" : "n1";
        foreach (var pod in new[] { "small-0", "small-1", "small-2" })
        {
            Assert.Equal(other, await NodeOfAsync(cluster, pod));
        }

        Assert.Equal([$"{other}: all-1g.10gb"], manager.Done);
        await EndsAsync(cluster, other, "all-1g.10gb");
        Assert.Equal("all-7g.80gb", (await cluster.Client.CoreV1.ReadNodeAsync(used, cancellationToken: Cancellation)).Metadata.Labels["nvidia.com/mig.config"]);
        await SaidAsync(cluster, "MigLayoutStarted", "MigLayoutChanged");
        await stop.CancelAsync();
        await running;
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
    }

    [Fact]
    public async Task A_layout_that_cannot_be_applied_is_taken_back_and_the_node_is_of_use_again()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        var (manager, running, stop) = await StartAsync(cluster, "all-3g.40gb");
        await cluster.AddPodsAsync([Workload.Pod("middle", "default-scheduler", [("nvidia.com/mig-3g.40gb", 1)], [])], Cancellation);
        await SaidAsync(cluster, "MigLayoutStarted", "MigLayoutFailed", "MigLayoutRestored");

        // Either of the two will do; which is listed first is the API server's affair.
        var node = manager.Done[0].Split(':')[0];
        await EndsAsync(cluster, node, "all-7g.80gb");

        await cluster.AddPodsAsync([Workload.Pod("a", "default-scheduler", [("nvidia.com/mig-7g.80gb", 1)], []), Workload.Pod("b", "default-scheduler", [("nvidia.com/mig-7g.80gb", 1)], [])], Cancellation);
        await cluster.BoundAsync(2, TimeSpan.FromMinutes(2), Cancellation);
        Assert.Equal([$"{node}: all-3g.40gb failed", $"{node}: all-7g.80gb"], manager.Done);
        await stop.CancelAsync();
        await running;
    }

    private static async Task<(StandInMigManager Manager, Task Running, CancellationTokenSource Stop)> StartAsync(ClusterUnderTest cluster, params string[] broken)
    {
        await cluster.AllowMigAsync(Cancellation);
        foreach (var name in new[] { "n1", "n2" })
        {
            var node = Workload.CutBy(name, "all-7g.80gb", "7g.80gb", 1, gpus: 1);
            node.Metadata.Labels["gpuscheduler.io/mig-dynamic"] = "true";
            await cluster.Client.CoreV1.CreateNodeAsync(node, cancellationToken: Cancellation);
        }

        var manager = new StandInMigManager(cluster.Client, s_configs, gpus: 1);
        manager.Broken.UnionWith(broken);
        var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var running = Task.Run(() => manager.RunAsync(stop.Token), Cancellation);
        await cluster.StartExtenderAsync(
            Cancellation,
            ("Mig:Enabled", "true"),
            ("Mig:ConfigFile", Path.Combine(Checkout.Root, "manifests", "mig-dynamic", "mig-parted.yaml")),
            ("Mig:Configs", string.Join(';', s_configs.Keys)),
            ("Mig:MinWait", "00:00:02"));
        await cluster.StartSchedulerAsync("cluster-wide/kube-scheduler-config/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        return (manager, running, stop);
    }

    private static async Task<string> NodeOfAsync(ClusterUnderTest cluster, string pod) =>
        (await cluster.Client.CoreV1.ReadNamespacedPodAsync(pod, "default", cancellationToken: Cancellation)).Spec.NodeName;

    /// <summary>The node has this configuration, and none of our labels of a change.</summary>
    private static Task EndsAsync(ClusterUnderTest cluster, string node, string config) => Eventually.TrueAsync(
        async () =>
        {
            var labels = (await cluster.Client.CoreV1.ReadNodeAsync(node, cancellationToken: Cancellation)).Metadata.Labels;
            return labels["nvidia.com/mig.config"] == config && labels.Keys.Count(k => k.StartsWith("gpuscheduler.io/mig-", StringComparison.Ordinal)) == 1;
        },
        TimeSpan.FromMinutes(1), () => $"{node} does not come to have {config} without our labels", Cancellation);

    private static async Task SaidAsync(ClusterUnderTest cluster, params string[] reasons)
    {
        string[] said = [];
        await Eventually.TrueAsync(
            async () =>
            {
                said = [.. (await cluster.Client.EventsV1.ListNamespacedEventAsync("kube-system", cancellationToken: Cancellation)).Items.Where(e => e.Regarding.Kind == "Node").Select(e => e.Reason)];
                return reasons.All(said.Contains);
            },
            TimeSpan.FromMinutes(2), () => $"of {string.Join(", ", reasons)} only {string.Join(", ", said)} was said", Cancellation);
    }
}
