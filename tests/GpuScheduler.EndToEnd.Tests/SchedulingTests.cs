using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>The real kube-scheduler with our extender, judged from the API server alone.</summary>
public sealed class SchedulingTests
{
    private const int Nodes = 200;
    private const int Pods = 500;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Five_hundred_pods_of_every_kind_are_placed_cluster_wide_under_the_shipped_rules()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.AddNodesAsync(Nodes, Cancellation);
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("cluster-wide/kube-scheduler-config/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        await cluster.AddPodsAsync(Workload.Pods(Pods, "default-scheduler", seed: 1), Cancellation);
        await cluster.BoundAsync(Pods, TimeSpan.FromMinutes(4), Cancellation);
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
    }

    [Fact]
    public async Task Five_hundred_pods_of_every_kind_are_placed_by_the_second_scheduler_over_tls_with_client_certificates()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: true, Cancellation);
        await cluster.AddNodesAsync(Nodes, Cancellation);
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        await cluster.AddPodsAsync(Workload.Pods(Pods, "gpu-scheduler", seed: 2), Cancellation);
        await cluster.BoundAsync(Pods, TimeSpan.FromMinutes(4), Cancellation);
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
    }

    [Fact]
    public async Task A_restart_of_the_extender_in_the_middle_forgets_nothing()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.AddNodesAsync(60, Cancellation);
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        await cluster.AddPodsAsync(Workload.Pods(70, "gpu-scheduler", seed: 3), Cancellation);
        await cluster.BoundAsync(30, TimeSpan.FromMinutes(2), Cancellation);
        await cluster.StopExtenderAsync();
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.AddPodsAsync(Workload.Pods(42, "gpu-scheduler", seed: 4), Cancellation);
        for (var round = 0; round < 20; round++)
        {
            // 1.20 lets pods that met a dead extender sleep for up to 90 s; any change of a node wakes them.
            await cluster.NudgeAsync("h100-000", Cancellation);
            await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        }

        await cluster.BoundAsync(112, TimeSpan.FromMinutes(2), Cancellation);
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
    }

    [Fact]
    public async Task Devices_of_deleted_pods_are_given_out_again_and_unhealthy_ones_never()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        foreach (var node in Workload.Nodes(2))
        {
            await cluster.Client.CoreV1.CreateNodeAsync(node, cancellationToken: Cancellation);
        }

        await cluster.Client.CustomObjects.CreateClusterCustomObjectAsync(Report("h100-000", unhealthy: 3), "gpuscheduler.io", "v1", "gpunodes", cancellationToken: Cancellation);
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);

        // 7 of 8 and 8 of 8 GPUs are healthy: fifteen single GPUs fit, and a sixteenth does not.
        await cluster.AddPodsAsync(Enumerable.Range(0, 16).Select(i => Workload.Pod($"one-{i}", "gpu-scheduler", Workload.Whole(1), [])), Cancellation);
        await cluster.BoundAsync(15, TimeSpan.FromMinutes(1), Cancellation);
        await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
        var pending = Assert.Single((await cluster.Client.CoreV1.ListNamespacedPodAsync("default", fieldSelector: "spec.nodeName=", cancellationToken: Cancellation)).Items);

        var gone = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", fieldSelector: "spec.nodeName!=", cancellationToken: Cancellation)).Items[0];
        await cluster.Client.CoreV1.DeleteNamespacedPodAsync(gone.Metadata.Name, "default", new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: Cancellation);
        await Eventually.TrueAsync(
            async () => (await cluster.Client.CoreV1.ReadNamespacedPodAsync(pending.Metadata.Name, "default", cancellationToken: Cancellation)).Spec.NodeName is { Length: > 0 },
            TimeSpan.FromMinutes(2), () => "the waiting pod did not get the device that became free", Cancellation);
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
    }

    [Fact]
    public async Task A_pod_that_cannot_be_understood_is_told_why_and_others_are_placed()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.AddNodesAsync(10, Cancellation);
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        await cluster.AddPodsAsync([Workload.Pod("bad", "gpu-scheduler", Workload.Shared, [("gpu-milli", "half")]), Workload.Pod("good", "gpu-scheduler", Workload.Shared, [("gpu-milli", "500")])], Cancellation);
        await cluster.BoundAsync(1, TimeSpan.FromMinutes(1), Cancellation);
        string? message = null;
        await Eventually.TrueAsync(
            async () =>
            {
                var pod = await cluster.Client.CoreV1.ReadNamespacedPodAsync("bad", "default", cancellationToken: Cancellation);
                message = pod.Status.Conditions?.FirstOrDefault(c => c.Type == "PodScheduled")?.Message;
                return message is not null;
            },
            TimeSpan.FromMinutes(1), () => "no condition on the pod", Cancellation);
        Assert.Contains("gpuscheduler.io/gpu-milli", message, StringComparison.Ordinal);
        Assert.Contains("\"half\"", message, StringComparison.Ordinal);
        Assert.Contains("1 to 1000", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Preemption_removes_what_frees_the_right_devices()
    {
        var found = ControlPlaneBinaries.TryFind(out var whyNot);
        Assert.SkipWhen(found?.PreemptingScheduler is null, whyNot ?? "this kube-scheduler does not ask extenders about preemption");
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        foreach (var node in Workload.Nodes(2))
        {
            await cluster.Client.CoreV1.CreateNodeAsync(node, cancellationToken: Cancellation);
        }

        await cluster.Client.SchedulingV1.CreatePriorityClassAsync(new V1PriorityClass { Metadata = new V1ObjectMeta { Name = "high" }, Value = 1000 }, cancellationToken: Cancellation);
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Preempting, Cancellation);
        await cluster.AddPodsAsync(Enumerable.Range(0, 8).Select(i => Workload.Pod($"low-{i}", "gpu-scheduler", Workload.Whole(2), [])), Cancellation);
        await cluster.BoundAsync(8, TimeSpan.FromMinutes(1), Cancellation);
        await cluster.AddPodsAsync([Workload.Pod("high", "gpu-scheduler", Workload.Whole(4), [("nvlink", "required")], priority: 1000)], Cancellation);
        await Eventually.TrueAsync(
            async () => (await cluster.Client.CoreV1.ReadNamespacedPodAsync("high", "default", cancellationToken: Cancellation)).Spec.NodeName is { Length: > 0 },
            TimeSpan.FromMinutes(2), () => "the pod of high priority was not placed", Cancellation);
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
        var left = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", cancellationToken: Cancellation)).Items.Count(p => p.Metadata.Name.StartsWith("low-", StringComparison.Ordinal));
        Assert.Equal(6, left);
    }

    private static Dictionary<string, object> Report(string node, int unhealthy) => new()
    {
        ["apiVersion"] = "gpuscheduler.io/v1",
        ["kind"] = "GpuNode",
        ["metadata"] = new Dictionary<string, object> { ["name"] = node },
        ["spec"] = new Dictionary<string, object>
        {
            ["gpus"] = Enumerable.Range(0, 8).Select(i => new Dictionary<string, object>
            {
                ["index"] = i,
                ["uuid"] = $"GPU-{node}-{i}",
                ["memoryMib"] = 81559,
                ["health"] = new Dictionary<string, object> { ["unhealthy"] = i == unhealthy, ["reason"] = i == unhealthy ? "XID 79" : "none" },
            }).ToList(),
        },
    };
}
