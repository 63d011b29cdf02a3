using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using GpuScheduler.Testing;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;
using YamlDotNet.Serialization;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>
/// The manifests of the dialects, posted to the real API server with their objects. What an old API server cannot hold is left out: fields
/// of the pod that are newer (Kubernetes' own groups, gates) and Jobs, whose completion mode came later; and the one of KAI, of which a part
/// has to be in one domain by itself, which is not planned (docs/gangs.md).
/// </summary>
public sealed class DialectTests
{
    private const string Rack = "network.topology.nvidia.com/leaf";

    private static readonly (string Group, string Version, string Kind, string Plural)[] s_kinds =
    [
        ("scheduling.x-k8s.io", "v1alpha1", "PodGroup", "podgroups"),
        ("scheduling.sigs.k8s.io", "v1alpha1", "PodGroup", "podgroups"),
        ("scheduling.volcano.sh", "v1beta1", "PodGroup", "podgroups"),
        ("scheduling.run.ai", "v2alpha2", "PodGroup", "podgroups"),
        ("jobset.x-k8s.io", "v1alpha2", "JobSet", "jobsets"),
        ("leaderworkerset.x-k8s.io", "v1", "LeaderWorkerSet", "leaderworkersets"),
        ("kubeflow.org", "v1", "PyTorchJob", "pytorchjobs"),
        ("kubeflow.org", "v2beta1", "MPIJob", "mpijobs"),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_gang_in_each_dialect_is_bound_and_the_API_says_so()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.Client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = "ml" } }, cancellationToken: Cancellation);
        foreach (var number in Enumerable.Range(0, 12))
        {
            var node = Workload.H100($"n{number:D2}", $"rack-{number / 4}");
            node.Metadata.Labels["nvidia.com/gpu.clique"] = $"6a5f0b1e-0c1d-4000-8000-000000000001.{number / 4}";
            foreach (var outer in new[] { "network.topology.nvidia.com/spine", "cloud.provider.com/topology-block", "topology.kubernetes.io/zone" })
            {
                node.Metadata.Labels[outer] = "one";
            }

            await cluster.Client.CoreV1.CreateNodeAsync(node, cancellationToken: Cancellation);
        }

        await cluster.ServeAsync(s_kinds.Select(k => ObjectDefinition.Of(k.Group, k.Version, k.Kind, k.Plural)), Cancellation);
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        var posted = 0;
        foreach (var name in Fixtures.GangNames.Where(n => !n.StartsWith("kubernetes-", StringComparison.Ordinal) && n is not ("job.yaml" or "kai.yaml")))
        {
            var expected = Fixtures.Gangs(name).Split('\n').Where(l => l.StartsWith("# expect: ", StringComparison.Ordinal)).ToList();
            if (expected.All(e => e.Contains(" Complete ", StringComparison.Ordinal)))
            {
                await PostAsync(cluster, name, expected.Sum(e => int.Parse(Regex.Match(e, "needs=([0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture)));
                posted++;
            }
        }

        Assert.True(posted >= 12, $"only {posted} manifests were posted");
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
    }

    /// <summary>Posts a manifest, waits until what its gangs need is bound, and takes it away again.</summary>
    private static async Task PostAsync(ClusterUnderTest cluster, string name, int needs)
    {
        var text = Regex.Replace(Fixtures.Gangs(name), "topology\\.kubernetes\\.io/rack|cloud\\.google\\.com/gke-nodepool", Rack);
        var objects = new List<(string Group, string Version, string Plural, string Name)>();
        foreach (var json in text.Split("\n---\n").Select(Json).OfType<JsonObject>())
        {
            if ((string?)json["kind"] == "Pod")
            {
                continue;
            }

            var apiVersion = ((string)json["apiVersion"]!).Split('/');
            var kind = s_kinds.First(k => k.Group == apiVersion[0] && k.Kind == (string?)json["kind"]);
            json["apiVersion"] = $"{kind.Group}/{kind.Version}";
            var metadata = json["metadata"]!.AsObject();
            var (uid, objectName) = ((string?)metadata["uid"], (string)metadata["name"]!);
            metadata.Remove("uid");
            json.Remove("status");
            var made = (System.Text.Json.JsonElement)await cluster.Client.CustomObjects.CreateNamespacedCustomObjectAsync(json, kind.Group, kind.Version, "ml", kind.Plural, cancellationToken: Cancellation);
            objects.Add((kind.Group, kind.Version, kind.Plural, objectName));

            // Pods name the object that made them by the UID that the API server gave it.
            var given = made.GetProperty("metadata").GetProperty("uid").GetString()!;
            text = uid is null ? text : Regex.Replace(text, $"(?<![\\w-]){Regex.Escape(uid)}(?![\\w-])", given);
        }

        foreach (var pod in text.Split("\n---\n").Select(Json).OfType<JsonObject>().Where(j => (string?)j["kind"] == "Pod"))
        {
            pod.Remove("status");
            pod["metadata"]!.AsObject().Remove("uid");
            var made = KubernetesJson.Deserialize<V1Pod>(pod.ToJsonString());
            (made.Spec.Priority, made.Spec.PriorityClassName, made.Spec.AutomountServiceAccountToken, made.Spec.TerminationGracePeriodSeconds) = (null, null, false, 0);
            await cluster.Client.CoreV1.CreateNamespacedPodAsync(made, "ml", cancellationToken: Cancellation);
        }

        var waiting = "";
        await Eventually.TrueAsync(
            async () =>
            {
                var all = (await cluster.Client.CoreV1.ListNamespacedPodAsync("ml", cancellationToken: Cancellation)).Items;
                waiting = string.Join("; ", all.Where(p => p.Spec.NodeName is null).Select(p => p.Status.Conditions?.FirstOrDefault()?.Message).Distinct());
                return all.Count(p => p.Spec.NodeName is not null) >= needs;
            },
            TimeSpan.FromMinutes(2), () => $"{name}: less than {needs} pods are bound: {waiting}", Cancellation);
        foreach (var (group, version, plural, objectName) in objects)
        {
            if (group == "scheduling.x-k8s.io")
            {
                await SaysAsync(cluster, group, version, plural, objectName, needs);
            }

            await cluster.Client.CustomObjects.DeleteNamespacedCustomObjectAsync(group, version, "ml", plural, objectName, cancellationToken: Cancellation);
        }

        await cluster.Client.CoreV1.DeleteCollectionNamespacedPodAsync("ml", new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: Cancellation);
    }

    /// <summary>The status of the PodGroup, and an event of it.</summary>
    private static async Task SaysAsync(ClusterUnderTest cluster, string group, string version, string plural, string name, int bound)
    {
        var status = "";
        await Eventually.TrueAsync(
            async () =>
            {
                var json = JsonNode.Parse(((System.Text.Json.JsonElement)await cluster.Client.CustomObjects.GetNamespacedCustomObjectAsync(group, version, "ml", plural, name, cancellationToken: Cancellation)).GetRawText());
                status = json?["status"]?.ToJsonString() ?? "none";
                return (string?)json?["status"]?["phase"] == "Scheduling" && (int?)json["status"]?["scheduled"] >= bound;
            },
            TimeSpan.FromSeconds(30), () => $"the status of {plural} {name} is {status}", Cancellation);
        await Eventually.TrueAsync(
            async () => (await cluster.Client.EventsV1.ListNamespacedEventAsync("ml", cancellationToken: Cancellation)).Items.Any(e => e.Reason == "GangPlaced" && e.Regarding.Name == name && e.Regarding.Kind == "PodGroup"),
            TimeSpan.FromSeconds(30), () => $"no event says that {name} has places", Cancellation);
    }

    private static JsonObject? Json(string document)
    {
        var value = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize<object?>(document);
        return value is null ? null : JsonNode.Parse(new SerializerBuilder().JsonCompatible().Build().Serialize(value)) as JsonObject;
    }
}
