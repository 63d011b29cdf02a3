using System.Globalization;
using System.Text.Json;
using GpuScheduler.NodeAgent;
using GpuScheduler.NodeAgent.Hosting;
using GpuScheduler.Testing.ControlPlane;
using GpuScheduler.Testing.StandIn;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Agents on stand-in drivers, under the shipped rights, and pods placed by what they report.</summary>
public sealed class NodeAgentTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_go_where_the_wiring_that_agents_report_is_best()
    {
        // Two nodes of one product: the first has bridges between 0 and 3 and between 1 and 2, the second one between 1 and 3.
        (string Node, (int A, int B)[] Bridges)[] machines = [("wired-1", [(0, 3), (1, 2)]), ("wired-2", [(1, 3)])];
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        var drivers = machines.Select(m => StandInDriver.Create(Bridged(m.Bridges))).ToList();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var kubeconfig = cluster.Plane.WriteKubeconfig(cluster.Plane.TokenFor(ClusterUnderTest.NodeAgentAccount));
        var agents = machines.Zip(drivers, (m, driver) => AgentHost.RunAsync(new NodeAgentOptions { NodeName = m.Node, NvmlLibrary = driver.Library, Kubeconfig = kubeconfig, Interval = TimeSpan.FromSeconds(1) }, end.Token)).ToList();
        try
        {
            foreach (var (node, _) in machines)
            {
                await cluster.Client.CoreV1.CreateNodeAsync(Node(node), cancellationToken: Cancellation);
            }

            await ReportsAsync(cluster, reports => reports.Count == 2, "the agents did not report");
            await cluster.StartExtenderAsync(Cancellation);
            await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);

            // Three pairs are bridged in all, so that three pods find one each and the fourth finds none.
            await cluster.AddPodsAsync(Enumerable.Range(0, 4).Select(i => Workload.Pod($"pair-{i}", "gpu-scheduler", Workload.Whole(2), [("nvlink", "required")])), Cancellation);
            await cluster.BoundAsync(3, TimeSpan.FromMinutes(2), Cancellation);
            await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
            var pods = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", cancellationToken: Cancellation)).Items;
            var placed = pods.Where(p => p.Spec.NodeName is not null).Select(p => $"{p.Spec.NodeName}:{string.Join(',', Devices(p))}").Order(StringComparer.Ordinal);
            Assert.Equal(["wired-1:0,3", "wired-1:1,2", "wired-2:1,3"], placed);

            // The agent that loses a GPU takes it out of the offer.
            drivers[1].Play(Bridged([(1, 3)]).Add($"remap 0 0 1"));
            await ReportsAsync(cluster, reports => reports["wired-2"].GetProperty("gpus")[0].GetProperty("health").GetProperty("unhealthy").GetBoolean(), "the fault was not reported");
            await cluster.AddPodsAsync([Workload.Pod("one", "gpu-scheduler", Workload.Whole(1), [])], Cancellation);
            await cluster.BoundAsync(4, TimeSpan.FromMinutes(2), Cancellation);
            var one = await cluster.Client.CoreV1.ReadNamespacedPodAsync("one", "default", cancellationToken: Cancellation);
            Assert.Equal("wired-2:2", $"{one.Spec.NodeName}:{string.Join(',', Devices(one))}");
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(agents);
            drivers.ForEach(d => d.Dispose());
        }
    }

    private static Scenario Bridged((int A, int B)[] bridges)
    {
        const int Links = 12;
        var scenario = Scenario.Gpus(4, "NVIDIA A100 80GB PCIe", 81920);
        for (var a = 0; a < 4; a++)
        {
            for (var b = a + 1; b < 4; b++)
            {
                scenario.Add($"level {a} {b} {(b < 2 || a >= 2 ? 40 : 50)}");
            }
        }

        foreach (var (a, b) in bridges)
        {
            for (var link = 0; link < Links; link++)
            {
                scenario.Link(a, link, 0, Scenario.Bus(b), Scenario.GpuId).Link(b, link, 0, Scenario.Bus(a), Scenario.GpuId);
            }
        }

        return scenario;
    }

    private static Task ReportsAsync(ClusterUnderTest cluster, Func<Dictionary<string, JsonElement>, bool> condition, string otherwise) =>
        Eventually.TrueAsync(
            async () =>
            {
                var list = (JsonElement)await cluster.Client.CustomObjects.ListClusterCustomObjectAsync("gpuscheduler.io", "v1", "gpunodes", cancellationToken: Cancellation);
                return condition(list.GetProperty("items").EnumerateArray().ToDictionary(i => i.GetProperty("metadata").GetProperty("name").GetString()!, i => i.GetProperty("spec")));
            },
            TimeSpan.FromMinutes(1), () => otherwise, Cancellation);

    private static IEnumerable<int> Devices(V1Pod pod)
    {
        using var document = JsonDocument.Parse(pod.Metadata.Annotations["gpuscheduler.io/assigned-devices"]);
        return [.. document.RootElement.EnumerateArray().Select(d => d.GetProperty("gpu").GetInt32())];
    }

    private static V1Node Node(string name)
    {
        var amounts = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("64"), ["memory"] = new("512Gi"), ["pods"] = new("110"), ["nvidia.com/gpu"] = new("4") };
        return new V1Node
        {
            Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string> { ["nvidia.com/gpu.product"] = "NVIDIA-A100-80GB-PCIe", ["nvidia.com/gpu.count"] = 4.ToString(CultureInfo.InvariantCulture) } },
            Status = new V1NodeStatus
            {
                Capacity = amounts,
                Allocatable = amounts,
                Conditions = [new V1NodeCondition { Type = "Ready", Status = "True", Reason = "KubeletReady", LastHeartbeatTime = DateTime.UtcNow, LastTransitionTime = DateTime.UtcNow }],
            },
        };
    }
}
