using System.Net;
using System.Text;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using GpuScheduler.Core.Requests.Dialects;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>The same against a real API server, where one has been built.</summary>
public sealed class ControlPlaneTests
{
    private static readonly RbacRule s_any = new("", "anything", "any");

    [Fact]
    public async Task Watching_and_binding_work_with_a_real_API_server_and_survive_its_restart()
    {
        var binaries = ControlPlaneBinaries.TryFind(out var whyNot);
        Assert.SkipUnless(binaries is not null, whyNot);
        var ct = TestContext.Current.CancellationToken;
        await using var plane = await TestControlPlane.StartAsync(binaries!, cancellationToken: ct);
        using var connection = new KubernetesConnection(plane.ClientConfig(plane.AdminToken), new KubernetesConnectionOptions { CallTimeout = TimeSpan.FromSeconds(20) });
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());
        var logger = new RecordingLogger<ClusterWatcher>();
        var options = new ReflectorOptions { AbsentPause = TimeSpan.FromMilliseconds(200), BackoffMost = TimeSpan.FromSeconds(1), PageSize = 2 };
        var watcher = new ClusterWatcher(connection, state, logger, TimeProvider.System, options);
        var binder = new PodBinder(connection, new RecordingLogger<PodBinder>());
        using var stop = new CancellationTokenSource();
        Assert.Null(await binder.GetPodAsync("default", "train-0", ct));
        for (var i = 0; i < 5; i++)
        {
            await CreateNodeAsync(connection, $"node-{i}");
        }

        var run = watcher.RunAsync(stop.Token);
        try
        {
            await UntilAsync(() => watcher.HasSynced && state.Current.Index.Count == 5, logger);
            Assert.Contains(logger.Entries, e => e.Id == 2016);

            // A pod comes, is bound with its devices, and shows so in one event.
            var uid = await CreatePodAsync(connection, "train-0");
            await UntilAsync(() => state.TryGetPod(uid, out _), logger);
            var devices = new DeviceAssignment([new AssignedDevice(2), new AssignedDevice(3)]);
            Assert.Equal(BindOutcome.Bound, await binder.BindAsync("default", "train-0", uid, "node-3", devices, PluginContract.None, ct));
            await UntilAsync(() => state.TryGetAllocation(uid, out var held) && held.State == AllocationState.Bound, logger);
            Assert.True(state.TryGetAllocation(uid, out var allocation));
            Assert.Equal(("node-3", devices), (allocation.Node, allocation.Devices));

            // Bound is bound: the same again is no fault, and anything else is refused.
            Assert.Equal(BindOutcome.Bound, await binder.BindAsync("default", "train-0", uid, "node-3", devices, PluginContract.None, ct));
            Assert.Equal(BindOutcome.Rejected("pod is already bound to node node-3"), await binder.BindAsync("default", "train-0", uid, "node-1", devices, PluginContract.None, ct));
            Assert.Equal(BindOutcomeKind.Rejected, (await binder.BindAsync("default", "train-0", uid, "node-3", new DeviceAssignment([new AssignedDevice(5)]), PluginContract.None, ct)).Kind);
            Assert.Equal(BindOutcome.Rejected("pod was recreated"), await binder.BindAsync("default", "train-0", "another", "node-3", devices, PluginContract.None, ct));
            Assert.Equal(BindOutcomeKind.Rejected, (await binder.BindAsync("default", "nobody", uid, "node-3", devices, PluginContract.None, ct)).Kind);

            // Reports, once their definition is installed.
            await CreateReportAsync(connection, "node-1");
            await UntilAsync(() => state.Current.Find("node-1")!.Facts.Gpus.Length == 4, logger);

            // A server that stands still.
            var second = await CreatePodAsync(connection, "train-1");
            using (var impatient = new KubernetesConnection(plane.ClientConfig(plane.AdminToken), new KubernetesConnectionOptions { CallTimeout = TimeSpan.FromMilliseconds(500) }))
            {
                var hasty = new PodBinder(impatient, new RecordingLogger<PodBinder>());
                plane.PauseApiServer();
                Assert.Equal(BindOutcomeKind.Unknown, (await hasty.BindAsync("default", "train-1", second, "node-0", devices, PluginContract.None, ct)).Kind);
                plane.ResumeApiServer();
            }

            // A restart breaks all watches; what comes after it arrives nevertheless.
            await plane.RestartApiServerAsync(ct);
            var third = await CreatePodAsync(connection, "train-2");
            await UntilAsync(() => state.TryGetPod(third, out _), logger);

            // A pod that ends, and one that is deleted, hold nothing any more.
            var pod = await connection.Client.CoreV1.ReadNamespacedPodAsync("train-0", "default", cancellationToken: ct);
            pod.Status.Phase = "Succeeded";
            await connection.Client.CoreV1.ReplaceNamespacedPodStatusAsync(pod, "train-0", "default", cancellationToken: ct);
            await connection.Client.CoreV1.DeleteNamespacedPodAsync("train-2", "default", gracePeriodSeconds: 0, cancellationToken: ct);
            await UntilAsync(() => !state.TryGetAllocation(uid, out _) && !state.TryGetPod(third, out _), logger);

            await connection.Client.CoreV1.DeleteNodeAsync("node-4", cancellationToken: ct);
            await UntilAsync(() => state.Current.Index.Count == 4, logger);
            Assert.DoesNotContain(logger.Entries, e => e.Id is 2014 or 2015);
        }
        finally
        {
            await stop.CancelAsync();
            await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    private static async Task CreateNodeAsync(KubernetesConnection connection, string name)
    {
        var node = new V1Node
        {
            Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string> { ["nvidia.com/gpu.product"] = "NVIDIA-H100-80GB-HBM3", ["nvidia.com/gpu.count"] = "8" } },
        };
        node = await connection.Client.CoreV1.CreateNodeAsync(node, cancellationToken: TestContext.Current.CancellationToken);
        node.Status = new V1NodeStatus { Allocatable = new Dictionary<string, ResourceQuantity> { ["nvidia.com/gpu"] = new("8"), ["cpu"] = new("64"), ["memory"] = new("1Ti") } };
        node.Status.Capacity = node.Status.Allocatable;
        await connection.Client.CoreV1.ReplaceNodeStatusAsync(node, name, cancellationToken: TestContext.Current.CancellationToken);
    }

    private static async Task<string> CreatePodAsync(KubernetesConnection connection, string name)
    {
        var gpus = new Dictionary<string, ResourceQuantity> { ["nvidia.com/gpu"] = new("2") };
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = name },
            Spec = new V1PodSpec { Containers = [new V1Container { Name = "main", Image = "none", Resources = new V1ResourceRequirements { Limits = gpus, Requests = gpus } }] },
        };
        return (await connection.Client.CoreV1.CreateNamespacedPodAsync(pod, "default", cancellationToken: TestContext.Current.CancellationToken)).Metadata.Uid;
    }

    private static async Task CreateReportAsync(KubernetesConnection connection, string node)
    {
        var ct = TestContext.Current.CancellationToken;
        await connection.CallAsync(HttpMethod.Post, "apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"gpunodes.gpuscheduler.io"},
             "spec":{"group":"gpuscheduler.io","scope":"Cluster","names":{"kind":"GpuNode","listKind":"GpuNodeList","plural":"gpunodes","singular":"gpunode"},
              "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
            """u8.ToArray(), s_any, ct);
        var report = Encoding.UTF8.GetBytes($$"""{"apiVersion":"gpuscheduler.io/v1","kind":"GpuNode","metadata":{"name":"{{node}}"},"spec":{"gpus":[{"index":0},{"index":1},{"index":2},{"index":3}]} }""");
        for (var i = 0; ; i++)
        {
            try
            {
                await connection.CallAsync(HttpMethod.Post, "apis/gpuscheduler.io/v1/gpunodes", report, s_any, ct);
                return;
            }
            catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound && i < 200)
            {
                // The definition is not in force at once.
                await Task.Delay(50, ct);
            }
        }
    }

    private static async Task UntilAsync(Func<bool> isSo, RecordingLogger<ClusterWatcher> logger)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!isSo())
        {
            if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(60))
            {
                Assert.Fail("it did not come to pass; the log: " + string.Join('\n', logger.Entries.Select(e => e.Text)));
            }

            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
