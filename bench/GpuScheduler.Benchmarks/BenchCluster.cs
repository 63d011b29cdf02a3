using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Testing.ControlPlane;

namespace GpuScheduler.Benchmarks;

/// <summary>
/// A cluster of 8-GPU nodes of three kinds and the requests about it. Nodes and pods are those that a kube-scheduler really sent,
/// with other names and products.
/// </summary>
internal sealed class BenchCluster
{
    private static readonly (string Product, string Memory)[] s_kinds =
    [
        ("NVIDIA-H100-80GB-HBM3", "81559"), ("Tesla-V100-SXM2-32GB", "32510"), ("NVIDIA-A100-80GB-PCIe", "81920"),
    ];

    private readonly JsonObject _recorded = JsonNode.Parse(Fixture("fixtures/wire/filter.nodeCacheCapable-false.request.json"))!.AsObject();
    private readonly string _pod;

    public BenchCluster(int nodes)
    {
        var template = _recorded["Nodes"]!["items"]![0]!.ToJsonString();
        Names = [.. Enumerable.Range(0, nodes).Select(i => string.Create(CultureInfo.InvariantCulture, $"gpu-node-{i:D5}"))];
        NodeObjects = [.. Names.Select((name, i) => template
            .Replace("gpu-node-00008", name, StringComparison.Ordinal)
            .Replace("NVIDIA-H100-80GB-HBM3", s_kinds[i % s_kinds.Length].Product, StringComparison.Ordinal)
            .Replace("\"81559\"", $"\"{s_kinds[i % s_kinds.Length].Memory}\"", StringComparison.Ordinal))];
        _pod = _recorded["Pod"]!.ToJsonString();
    }

    public string[] Names { get; }

    public string[] NodeObjects { get; }

    /// <summary>The pod that the requests are about, as it was recorded.</summary>
    public string PodTemplate => _pod;

    /// <summary>The cluster as kubectl get -o json would print it, a third of its GPUs in use.</summary>
    public byte[] Snapshot()
    {
        var pods = Names.Where((_, i) => i % 2 == 0).Select((name, i) =>
        {
            var gpus = 1 + (i % 7);
            return new JsonObject
            {
                ["kind"] = "Pod",
                ["metadata"] = new JsonObject
                {
                    ["name"] = $"busy-{i}",
                    ["namespace"] = "default",
                    ["uid"] = $"busy-{i}",
                    ["annotations"] = new JsonObject { ["gpuscheduler.io/assigned-devices"] = $"[{string.Join(',', Enumerable.Range(0, gpus).Select(g => $"{{\"gpu\":{g}}}"))}]" },
                },
                ["spec"] = new JsonObject
                {
                    ["nodeName"] = name,
                    ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["nvidia.com/gpu"] = $"{gpus}" } } }),
                },
                ["status"] = new JsonObject { ["phase"] = "Running" },
            }.ToJsonString();
        });
        return Encoding.UTF8.GetBytes($"{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{string.Join(',', NodeObjects.Select(n => "{\"kind\":\"Node\"," + n[1..]).Concat(pods))}]}}");
    }

    /// <summary>A filter or prioritize request; each has a pod of its own, as in life.</summary>
    public byte[] Request(int pod, bool fullNodes)
    {
        var body = new StringBuilder(fullNodes ? NodeObjects.Sum(n => n.Length + 1) + 4096 : (Names.Length * 20) + 4096);
        body.Append("{\"Pod\":").Append(Pod(pod)).Append(",\"Nodes\":");
        if (fullNodes)
        {
            body.Append("{\"metadata\":{},\"items\":[").AppendJoin(',', NodeObjects).Append("]},\"NodeNames\":null}");
        }
        else
        {
            body.Append("null,\"NodeNames\":[").AppendJoin(',', Names.Select(n => $"\"{n}\"")).Append("]}");
        }

        return Encoding.UTF8.GetBytes(body.ToString());
    }

    private string Pod(int i) => _pod.Replace(_recorded["Pod"]!["metadata"]!["uid"]!.GetValue<string>(), string.Create(CultureInfo.InvariantCulture, $"00000000-0000-0000-0000-{i:D12}"), StringComparison.Ordinal);

    private static string Fixture(string name)
    {
        using var stream = typeof(TestControlPlane).Assembly.GetManifestResourceStream(name) ?? throw new FileNotFoundException(name);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
