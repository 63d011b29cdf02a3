using GpuScheduler.Extender.Decisions;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Data and volumes, with the real kube-scheduler.</summary>
public sealed class LocalityTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pod_goes_to_its_data_and_with_a_bound_volume_the_extender_is_offered_no_node_without_it()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        foreach (var name in new[] { "n0", "n1", "n2", "n3" })
        {
            var node = Workload.H100(name, "r0");
            node.Metadata.Labels["kubernetes.io/hostname"] = name;
            node.Metadata.Annotations = name == "n2" ? new Dictionary<string, string> { ["gpuscheduler.io/cached-data"] = "llama" } : null;
            await cluster.Client.CoreV1.CreateNodeAsync(node, cancellationToken: Cancellation);
        }

        await AddBoundClaimAsync(cluster.Client, "scratch", "n3");
        await cluster.StartExtenderAsync(Cancellation, ("Engine:Weights:Locality", "1")); // whichever pod comes first
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        var near = Workload.Pod("near", "gpu-scheduler", Workload.Whole(1), [("data", "llama=140Gi")]);
        var bound = Workload.Pod("bound", "gpu-scheduler", Workload.Whole(1), [("data", "llama=140Gi")]);
        bound.Spec.Volumes = [new V1Volume { Name = "scratch", PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = "scratch" } }];
        await cluster.AddPodsAsync([near, bound], Cancellation);
        await cluster.BoundAsync(2, TimeSpan.FromMinutes(2), Cancellation);

        var nodes = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", cancellationToken: Cancellation)).Items.ToDictionary(p => p.Metadata.Name, p => p.Spec.NodeName);
        Assert.Equal(("n2", "n3"), (nodes["near"], nodes["bound"]));
        var decisions = cluster.Extender.Services.GetRequiredService<DecisionLog>();
        Assert.All(decisions.List("default/bound", null, 100).Where(d => d.Kind == DecisionKind.Filter), d => Assert.Equal(1, d.Offered));
        Assert.Contains(decisions.List("default/near", null, 100), d => d.Offered == 4);
    }

    /// <summary>A local volume on a node and its claim, bound to each other as the controller, which does not run here, would bind them.</summary>
    private static async Task AddBoundClaimAsync(IKubernetes client, string name, string node)
    {
        var capacity = new Dictionary<string, ResourceQuantity> { ["storage"] = new("1Gi") };
        var claim = await client.CoreV1.CreateNamespacedPersistentVolumeClaimAsync(
            new V1PersistentVolumeClaim
            {
                Metadata = new V1ObjectMeta { Name = name, Annotations = new Dictionary<string, string> { ["pv.kubernetes.io/bind-completed"] = "yes" } },
                Spec = new V1PersistentVolumeClaimSpec { AccessModes = ["ReadWriteOnce"], StorageClassName = "", VolumeName = name, Resources = new V1VolumeResourceRequirements { Requests = capacity } },
            },
            "default",
            cancellationToken: Cancellation);
        await client.CoreV1.CreatePersistentVolumeAsync(
            new V1PersistentVolume
            {
                Metadata = new V1ObjectMeta { Name = name },
                Spec = new V1PersistentVolumeSpec
                {
                    AccessModes = ["ReadWriteOnce"],
                    Capacity = capacity,
                    Local = new V1LocalVolumeSource { Path = "/scratch" },
                    ClaimRef = new V1ObjectReference { Kind = "PersistentVolumeClaim", Name = name, NamespaceProperty = "default", Uid = claim.Metadata.Uid },
                    NodeAffinity = new V1VolumeNodeAffinity
                    {
                        Required = new V1NodeSelector
                        {
                            NodeSelectorTerms = [new V1NodeSelectorTerm { MatchExpressions = [new V1NodeSelectorRequirement { Key = "kubernetes.io/hostname", OperatorProperty = "In", Values = [node] }] }],
                        },
                    },
                },
            },
            cancellationToken: Cancellation);
    }
}
