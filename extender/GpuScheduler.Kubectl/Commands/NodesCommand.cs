using System.CommandLine;
using System.Text.Json.Nodes;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>nodes: what they have, what is free, and where that is known from.</summary>
internal static class NodesCommand
{
    public static Command Create(Session session)
    {
        var name = new Argument<string?>("NODE") { Description = "One node, with the source of each fact and all warnings.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("nodes", """
            Lists nodes: product, GPUs that are free, used and unhealthy, MIG devices, what is left for shares, and who says so.
            Example: kubectl gpu nodes; kubectl gpu nodes gpu-node-7
            """) { name };
        session.Run(command, async (parsed, cluster, cancellation) =>
        {
            if (parsed.GetValue(name) is { } one)
            {
                var node = await cluster.AskAsync($"v1/nodes/{Session.Part(one)}", cancellation);
                return new Answer(node, screen => ShowOne(screen, node));
            }

            var json = await cluster.AskAsync("v1/nodes", cancellation);
            return new Answer(json, screen => ShowAll(screen, [.. json.Items("nodes").OrderBy(n => n.Text("name"), StringComparer.Ordinal)]));
        });
        return command;
    }

    private static void ShowAll(Screen screen, List<JsonNode?> nodes)
    {
        if (nodes.Count == 0)
        {
            screen.Line("gpu-scheduler knows no node");
            return;
        }

        Table(screen, nodes.Where(n => n.Number("gpus") > 0 || n.Fields("mig").Any()));
        if (nodes.Count(n => n.Number("gpus") == 0) is > 0 and var without)
        {
            screen.Line($"{JsonView.Count(without, "node")} without GPUs");
        }
    }

    private static void Table(Screen screen, IEnumerable<JsonNode?> nodes) => screen.Table(0, ["NODE", "PRODUCT", "GPUS", "FREE", "USED", "UNHEALTHY", "MIG FREE", "SHARE LEFT", "SOURCE", "NOTES"], nodes.Select(n => new[]
    {
        n.Text("name"),
        n.Text("product"),
        n.Text("gpus"),
        n.Text("freeGpus"),
        n.Text("usedGpus"),
        n.Text("unhealthyGpus"),
        string.Join(' ', n.Fields("mig").Select(m => $"{m.Key}:{m.Value.Text("free")}/{m.Value.Text("allocatable")}")),
        $"{n.Number("freeMilli") / 1000.0:0.##}",
        n.Text("source"),
        Notes(n),
    }));

    private static string Notes(JsonNode? node) => string.Join(", ", new[]
    {
        node.Flag("closed") ? "closed" : "",
        node.Flag("conflict") ? "conflict: two pods hold one device" : "",
        node.Number("warningCount") is > 0 and var count ? JsonView.Count(count, "warning") : "",
    }.Where(n => n.Length > 0));

    private static void ShowOne(Screen screen, JsonObject node)
    {
        Table(screen, [node]);
        screen.Line();
        screen.Line("Known from:");
        screen.Table(2, ["FACT", "SOURCE"], node.Fields("sources").Select(s => new[] { s.Key, s.Value.Text() }));
        if (node.Items("devicePlugins").ToList() is { Count: > 0 } plugins)
        {
            screen.Line($"Device plugins of other stacks: {string.Join(", ", plugins.Select(p => p.Text()))}");
        }

        foreach (var device in node.Items("devices").Where(d => d.At("healthy") is not null && !d.Flag("healthy")))
        {
            screen.Line($"unhealthy: GPU {device.Text("gpu")}: {(device.Text("healthReason") is { Length: > 0 } why ? why : "no reason was given")}");
        }

        foreach (var warning in node.Items("warnings").Concat(node.Items("findings")))
        {
            screen.Line($"warning: {warning.Text()}");
        }
    }
}
