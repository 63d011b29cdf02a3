using System.Globalization;
using System.Text.Json;
using GpuScheduler.Testing;
using k8s;
using k8s.Models;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>
/// What is true according to the API server alone: nodes, pods and node reports, read through the ordinary client and judged by
/// <see cref="ClusterAuditor"/>. Neither shares code with the engine; hardware facts come from the tables of the tests.
/// </summary>
internal static class ApiAudit
{
    private const string Ours = "gpuscheduler.io/";

    /// <summary>Everything that is wrong with the pods that are bound now.</summary>
    public static async Task<List<string>> RunAsync(IKubernetes client, CancellationToken cancellation)
    {
        var nodes = await client.CoreV1.ListNodeAsync(cancellationToken: cancellation);
        var pods = await client.CoreV1.ListPodForAllNamespacesAsync(cancellationToken: cancellation);
        var reports = await ReportsAsync(client, cancellation);
        var audited = nodes.Items.Select(n => ToNode(n, reports)).ToList();
        var bound = Bound(pods);
        var holds = bound.Select(ToHold).ToList();
        var wrong = ClusterAuditor.Audit(audited, holds).Select(v => v.ToString()!).ToList();
        wrong.AddRange(OverAllocatable(nodes.Items, bound));
        return wrong;
    }

    /// <summary>GPUs in use by what is written on the bound pods: MIG by memory slices, and shares by the scarcer of compute and memory.</summary>
    public static async Task<double> GpusInUseAsync(IKubernetes client, CancellationToken cancellation)
    {
        var nodes = (await client.CoreV1.ListNodeAsync(cancellationToken: cancellation)).Items.ToDictionary(n => n.Metadata.Name, StringComparer.Ordinal);
        var holds = Bound(await client.CoreV1.ListPodForAllNamespacesAsync(cancellationToken: cancellation)).Select(ToHold);
        return holds.SelectMany(h => h.Parts.Select(part => (h.Node, Part: part))).GroupBy(h => (h.Node, h.Part.Gpu), h => h.Part).Sum(gpu =>
        {
            var node = nodes[gpu.Key.Node];
            return gpu.Any(p => p.IsWhole) ? 1
                : gpu.Any(p => p.Profile is not null) ? gpu.Sum(p => p.Size) / (double)Fixtures.MigProduct(Label(node, "nvidia.com/gpu.product")!)!.MemorySliceCount
                : Math.Max(gpu.Sum(p => p.Milli) / 1000.0, gpu.Sum(p => p.MemoryMiB) / double.Parse(Label(node, "nvidia.com/gpu.memory")!, CultureInfo.InvariantCulture));
        });
    }

    private static List<V1Pod> Bound(V1PodList pods) =>
        [.. pods.Items.Where(p => !string.IsNullOrEmpty(p.Spec.NodeName) && p.Status?.Phase is not ("Succeeded" or "Failed"))];

    /// <summary>Sums of requests by node and resource, as the kubelet counts them.</summary>
    private static IEnumerable<string> OverAllocatable(IEnumerable<V1Node> nodes, List<V1Pod> pods)
    {
        var byNode = pods.ToLookup(p => p.Spec.NodeName);
        foreach (var node in nodes)
        {
            foreach (var (resource, quantity) in node.Status.Allocatable)
            {
                var sum = byNode[node.Metadata.Name].Sum(p => p.Spec.Containers.Sum(c => Amount(c, resource)));
                if (sum > quantity.ToDecimal())
                {
                    yield return $"{node.Metadata.Name}: {sum} of {resource} are requested and {quantity} allocatable";
                }
            }
        }
    }

    private static decimal Amount(V1Container container, string resource) =>
        container.Resources?.Requests?.TryGetValue(resource, out var quantity) == true ? quantity.ToDecimal() : 0;

    private static async Task<Dictionary<string, JsonElement>> ReportsAsync(IKubernetes client, CancellationToken cancellation)
    {
        try
        {
            var list = (JsonElement)await client.CustomObjects.ListClusterCustomObjectAsync("gpuscheduler.io", "v1", "gpunodes", cancellationToken: cancellation);
            return list.GetProperty("items").EnumerateArray().ToDictionary(i => i.GetProperty("metadata").GetProperty("name").GetString()!, i => i.GetProperty("spec"));
        }
        catch (k8s.Autorest.HttpOperationException)
        {
            return [];
        }
    }

    private static AuditedNode ToNode(V1Node node, Dictionary<string, JsonElement> reports)
    {
        var product = Label(node, "nvidia.com/gpu.product") ?? "";
        var count = int.Parse(Label(node, "nvidia.com/gpu.count") ?? "0", CultureInfo.InvariantCulture);
        var memory = int.Parse(Label(node, "nvidia.com/gpu.memory") ?? "0", CultureInfo.InvariantCulture);
        var whole = (int)(node.Status.Allocatable.TryGetValue("nvidia.com/gpu", out var gpus) ? gpus.ToDecimal() : 0);
        var mig = node.Status.Allocatable.Where(r => r.Key.StartsWith("nvidia.com/mig-", StringComparison.Ordinal)).ToDictionary(r => r.Key["nvidia.com/mig-".Length..], r => (int)r.Value.ToDecimal());
        var facts = mig.Count > 0 ? Fixtures.MigProduct(product) : null;
        var placements = facts?.Profiles.SelectMany(p => p.Starts.Select(s => (p.ResourceName, s, p.MemorySlices))).Where(p => mig.ContainsKey(p.ResourceName)).ToHashSet() ?? [];
        var machine = Fixtures.Machines.FirstOrDefault(m => m.GpuProducts.Contains(product) && m.GpuCount == count && !m.IsVirtual);
        var unhealthy = reports.TryGetValue(node.Metadata.Name, out var report)
            ? report.GetProperty("gpus").EnumerateArray().Where(g => g.TryGetProperty("health", out var h) && h.TryGetProperty("unhealthy", out var u) && u.GetBoolean()).Select(g => g.GetProperty("index").GetInt32()).ToHashSet()
            : [];
        return new AuditedNode
        {
            Name = node.Metadata.Name,
            Product = product,
            AllocatableGpus = whole,
            AllocatableMig = mig.Count > 0 ? mig : null,
            MigMemoryMiB = facts?.Profiles.ToDictionary(p => p.ResourceName, p => p.MemoryMiB) ?? [],
            Linked = (a, b) => machine?.IsLinked(a, b) ?? false,
            Devices = [.. Enumerable.Range(0, count).Select(i => new AuditedDevice
            {
                MemoryMiB = memory,
                OffersWhole = i < whole && !unhealthy.Contains(i),
                Placements = i >= whole ? placements : [],
            })],
        };
    }

    private static AuditedHold ToHold(V1Pod pod)
    {
        var requests = pod.Spec.Containers.SelectMany(c => c.Resources?.Requests ?? new Dictionary<string, ResourceQuantity>()).ToList();
        var milli = int.Parse(Annotation(pod, "gpu-milli") ?? "0", CultureInfo.InvariantCulture);
        var memory = MiB(Annotation(pod, "gpu-memory"));
        return new AuditedHold
        {
            Pod = $"{pod.Metadata.NamespaceProperty}/{pod.Metadata.Name}",
            Node = pod.Spec.NodeName,
            Parts = Parts(Annotation(pod, "assigned-devices")),
            Whole = (int)requests.Where(r => r.Key == "nvidia.com/gpu").Sum(r => r.Value.ToDecimal()),
            Mig = requests.Where(r => r.Key.StartsWith("nvidia.com/mig-", StringComparison.Ordinal)).GroupBy(r => r.Key["nvidia.com/mig-".Length..]).ToDictionary(g => g.Key, g => (int)g.Sum(r => r.Value.ToDecimal())),
            ShareCount = milli > 0 || memory > 0 ? int.Parse(Annotation(pod, "gpu-count") ?? "1", CultureInfo.InvariantCulture) : 0,
            ShareMilli = milli,
            ShareMemoryMiB = memory,
            Models = Annotation(pod, "gpu-model")?.Split('|') ?? [],
            MinMemoryMiB = MiB(Annotation(pod, "min-gpu-memory")),
            NvlinkRequired = Annotation(pod, "nvlink") == "required",
        };
    }

    private static List<AuditedPart> Parts(string? annotation)
    {
        if (annotation is null)
        {
            return [];
        }

        using var document = JsonDocument.Parse(annotation);
        return [.. document.RootElement.EnumerateArray().Select(d => new AuditedPart(
            d.GetProperty("gpu").GetInt32(),
            d.TryGetProperty("mig", out var profile) ? profile.GetString() : null,
            Number(d, "start"), Number(d, "size"), Number(d, "memoryMiB"), Number(d, "milli")))];
    }

    private static int Number(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetInt32() : 0;

    private static int MiB(string? quantity) => quantity is null ? 0 : (int)(new ResourceQuantity(quantity).ToDecimal() / 1024 / 1024);

    private static string? Annotation(V1Pod pod, string name) => pod.Metadata.Annotations?.TryGetValue(Ours + name, out var value) == true ? value : null;

    private static string? Label(V1Node node, string name) => node.Metadata.Labels?.TryGetValue(name, out var value) == true ? value : null;
}
