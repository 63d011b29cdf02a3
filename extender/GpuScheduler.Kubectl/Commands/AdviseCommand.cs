using System.CommandLine;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Kubectl.Output;
using GpuScheduler.Kubectl.Transport;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>advise: pods that hold whole GPUs and use little of their memory.</summary>
internal static class AdviseCommand
{
    /// <summary>What is added to the memory that was seen, since it was seen at one moment: a quarter.</summary>
    private const double Headroom = 1.25;

    /// <summary>Shares are advised in steps of 1 GiB.</summary>
    private const long StepMiB = 1024;

    private static readonly string[] s_unknown =
    [
        "memory is what the node agent saw last, not the most that was used: look again while the pod does its hardest work",
        "how busy the GPU's cores are is not reported: a pod that uses little memory may still need all of them",
        "a framework that takes all memory at its start (TensorFlow, JAX, vLLM by default) looks as if it needed it",
    ];

    public static Command Create(Session session)
    {
        var command = new Command("advise", """
            Compares what pods with whole GPUs hold with the memory that is seen in use, and says which MIG profile or share would do. Needs the node agent's reports (GpuNode) and the API server. Shows what it cannot know.
            Example: kubectl gpu advise
            """);
        session.Run(command, (_, cluster, cancellation) => AskAsync(cluster, cancellation));
        return command;
    }

    private static async Task<Answer> AskAsync(Cluster cluster, CancellationToken cancellation)
    {
        if (!cluster.HasApi)
        {
            throw new CannotException("advise reads GpuNode objects from the API server: leave --server out, or add --kubeconfig");
        }

        var reports = await cluster.ListAsync("apis/gpuscheduler.io/v1/gpunodes", cancellation);
        if (reports.Count == 0)
        {
            throw new CannotException("no node reports what its GPUs use: install the node agent (manifests/node-agent)");
        }

        var advice = new JsonArray();
        var (blind, looked) = (0, 0);
        foreach (var report in reports.OrderBy(r => r.Text("metadata", "name"), StringComparer.Ordinal))
        {
            var name = report.Text("metadata", "name");
            if (await cluster.TryAskAsync($"v1/nodes/{Session.Part(name)}", cancellation) is not { } node)
            {
                continue;
            }

            var gpus = report.Items("spec", "gpus").DistinctBy(g => g.Number("index")).ToDictionary(g => g.Number("index"));
            foreach (var allocation in node.Items("allocations").Where(a => a.Text("state") is "bound" && a.Items("devices").Any() && a.Items("devices").All(d => d.At("mig") is null && d.At("memoryMiB") is null && d.At("milli") is null)))
            {
                var held = allocation.Items("devices").Select(d => gpus.GetValueOrDefault(d.Number("gpu"))).ToList();
                if (held.Any(g => g.At("memoryUsedMib") is null))
                {
                    blind++;
                    continue;
                }

                looked++;
                if (Advice(name, node, allocation, held) is { } found)
                {
                    advice.Add(found);
                }
            }
        }

        var json = new JsonObject
        {
            ["advice"] = advice,
            ["looked"] = looked,
            ["notReported"] = blind,
            ["notKnown"] = new JsonArray([.. s_unknown.Select(u => JsonValue.Create(u))]),
        };
        return new Answer(json, screen => Show(screen, json));
    }

    /// <summary>What would do; null when only a whole GPU does.</summary>
    private static JsonObject? Advice(string nodeName, JsonObject node, JsonNode? allocation, List<JsonNode?> held)
    {
        var used = held.Max(g => g.Number("memoryUsedMib"));
        var memory = held.Min(g => g.Number("memoryMib"));
        var needed = (long)Math.Ceiling(used * Headroom / StepMiB) * StepMiB;
        needed = Math.Max(needed, StepMiB);
        if (memory == 0 || needed * 2 > memory)
        {
            return null;
        }

        var profile = GpuCatalogue.Find(node.Text("product"))?.Mig?.Profiles.Where(p => !p.HasMediaExtensions && p.MemoryMiB >= needed).OrderBy(p => p.MemoryMiB).ThenBy(p => p.ComputeSlices).FirstOrDefault();
        return new JsonObject
        {
            ["pod"] = allocation.Text("pod"),
            ["node"] = nodeName,
            ["gpus"] = held.Count,
            ["memoryMiB"] = memory,
            ["usedMiB"] = used,
            ["mig"] = profile is null ? null : $"{GpuAnnotations.MigResourcePrefix}{profile.Name}: {held.Count}",
            ["share"] = $"{GpuAnnotations.GpuMemory}: {needed}Mi",
        };
    }

    private static void Show(Screen screen, JsonObject json)
    {
        var advice = json.Items("advice").ToList();
        if (advice.Count > 0)
        {
            screen.Table(0, ["POD", "NODE", "GPUS", "MEMORY EACH", "SEEN IN USE", "MIG THAT WOULD DO", "SHARE THAT WOULD DO"], advice.Select(a => new[]
            {
                a.Text("pod"), a.Text("node"), a.Text("gpus"), $"{a.Text("memoryMiB")} MiB", $"{a.Text("usedMiB")} MiB", a.Text("mig"), a.Text("share"),
            }));
        }
        else
        {
            screen.Line($"none of {JsonView.Count(json.Number("looked"), "pod")} with whole GPUs uses less than half of their memory");
        }

        if (json.Number("notReported") > 0)
        {
            screen.Line($"{JsonView.Count(json.Number("notReported"), "pod")} with whole GPUs cannot be judged: the memory in use of their GPUs is not reported");
        }

        screen.Line("What this cannot know:");
        foreach (var text in json.Items("notKnown"))
        {
            screen.Line($"- {text.Text()}");
        }
    }
}
