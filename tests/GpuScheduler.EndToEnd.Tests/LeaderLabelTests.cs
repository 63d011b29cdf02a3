using GpuScheduler.Testing;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>
/// The label by which the Service finds the leader, on pods of a real API server: set with the shipped rights alone, looked for with the
/// selector of the shipped Service.
/// </summary>
public sealed class LeaderLabelTests
{
    private const string Space = "gpu-scheduler";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_Service_selects_the_leaders_pod_alone_however_the_one_before_ended()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.AddNodesAsync(2, Cancellation);
        string[] names = ["extender-a", "extender-b", "extender-c"];
        foreach (var name in names)
        {
            await cluster.Client.CoreV1.CreateNamespacedPodAsync(await ReplicaAsync(name), Space, cancellationToken: Cancellation);
        }

        var service = KubernetesYaml.Deserialize<V1Service>(await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "manifests/base/service.yaml"), Cancellation));
        service = await cluster.Client.CoreV1.CreateNamespacedServiceAsync(service, Space, cancellationToken: Cancellation);
        await using var replicas = new Replicas(cluster);
        var pods = (await Task.WhenAll(names.Select(async name => (Url: await replicas.StartAsync(Cancellation, name), Pod: name)))).ToDictionary(r => r.Url, r => r.Pod);
        var first = await SelectsAsync(cluster, service, replicas, pods, before: null);

        // Killed, its pod still there.
        await replicas.KillAsync(first);
        var second = await SelectsAsync(cluster, service, replicas, pods, before: first);

        // Suspended, and awake again when another leads: it does nothing to the label.
        replicas.Pause(second);
        var third = await SelectsAsync(cluster, service, replicas, pods, before: second);
        replicas.Resume(second);
        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        Assert.Equal(third, await SelectsAsync(cluster, service, replicas, pods, before: null));

        // Told to stop, its pod deleted as a rolling update does it.
        await replicas.StopAsync(third, Cancellation);
        await cluster.Client.CoreV1.DeleteNamespacedPodAsync(pods[third], Space, new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: Cancellation);
        Assert.Equal(second, await SelectsAsync(cluster, service, replicas, pods, before: third));

        // Nothing but the label was written on them.
        foreach (var pod in (await cluster.Client.CoreV1.ListNamespacedPodAsync(Space, cancellationToken: Cancellation)).Items)
        {
            var untouched = await ReplicaAsync(pod.Metadata.Name);
            pod.Metadata.Labels.Remove("gpuscheduler.io/leader");
            Assert.Equal(untouched.Metadata.Labels.ToDictionary(), pod.Metadata.Labels.ToDictionary());
            Assert.True(pod.Metadata.Annotations is null or { Count: 0 }, "it has annotations");
        }
    }

    /// <summary>Waits until another replica leads and the Service selects its pod, and returns it. Until then it may select the pod of the one before, or none.</summary>
    private static async Task<Uri> SelectsAsync(ClusterUnderTest cluster, V1Service service, Replicas replicas, Dictionary<Uri, string> pods, Uri? before)
    {
        var selector = string.Join(',', service.Spec.Selector.Select(s => $"{s.Key}={s.Value}"));
        Uri? leader = null;
        List<string> selected = [];
        await Eventually.TrueAsync(
            async () =>
            {
                selected = [.. (await cluster.Client.CoreV1.ListNamespacedPodAsync(Space, labelSelector: selector, cancellationToken: Cancellation)).Items.Select(p => p.Metadata.Name)];
                Assert.True(selected.Count <= 1, $"{string.Join(", ", selected)} are selected");
                leader = replicas.Service.Leader;
                return leader is not null && leader != before && selected.SequenceEqual([pods[leader]]);
            },
            TimeSpan.FromSeconds(30), () => $"the Service selects \"{string.Join(", ", selected)}\" and {leader} is ready: {string.Join('\n', replicas.Log)}", Cancellation);
        var lease = await cluster.Client.CoordinationV1.ReadNamespacedLeaseAsync("gpu-scheduler-extender", Space, cancellationToken: Cancellation);
        Assert.StartsWith(pods[leader!] + "_", lease.Spec.HolderIdentity, StringComparison.Ordinal);
        Assert.False(replicas.Service.HadTwo, "two replicas were ready at the same time");
        return leader!;
    }

    /// <summary>A pod with the labels that the Deployment of the manifests gives it.</summary>
    private static async Task<V1Pod> ReplicaAsync(string name)
    {
        var deployment = KubernetesYaml.Deserialize<V1Deployment>(await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "manifests/base/deployment.yaml"), Cancellation));
        var pod = Workload.Pod(name, "none", [], []);
        (pod.Metadata.NamespaceProperty, pod.Metadata.Labels) = (Space, deployment.Spec.Template.Metadata.Labels);
        return pod;
    }
}
