using System.CommandLine;
using System.Text.Json.Nodes;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>topology: how the GPUs of a node are wired, and who holds which.</summary>
internal static class TopologyCommand
{
    public static Command Create(Session session)
    {
        var name = new Argument<string>("NODE") { Description = "The node." };
        var command = new Command("topology", """
            Draws a node: GPUs by NUMA node with who holds them, groups of GPUs that NVLink joins, and how each two are connected.
            Example: kubectl gpu topology gpu-node-7
            """) { name };
        session.Run(command, async (parsed, cluster, cancellation) =>
        {
            var node = await cluster.AskAsync($"v1/nodes/{Session.Part(parsed.GetValue(name)!)}", cancellation);
            return new Answer(node, screen => Show(screen, node));
        });
        return command;
    }

    private static void Show(Screen screen, JsonObject node)
    {
        var devices = node.Items("devices").ToList();
        screen.Line($"{node.Text("name")}: {JsonView.Count(devices.Count, "GPU")}{(node.Text("product") is { Length: > 0 } product ? $" {product}" : "")}");
        if (devices.Count == 0)
        {
            return;
        }

        if (node.Text("nvlinkDomain") is { Length: > 0 } domain)
        {
            screen.Line($"in NVLink domain {domain}");
        }

        var holders = Holders(node);
        foreach (var numa in devices.GroupBy(d => d.At("numaNode") is null ? -1 : d.Number("numaNode")).OrderBy(g => g.Key))
        {
            var gpus = numa.ToList();
            screen.Line(numa.Key < 0 ? "NUMA node unknown" : $"NUMA node {numa.Key}");
            for (var i = 0; i < gpus.Count; i++)
            {
                var gpu = (int)gpus[i].Number("gpu");
                screen.Line($"{(i == gpus.Count - 1 ? " └─ " : " ├─ ")}GPU {gpu,-3}{State(gpus[i]),-24}{string.Join(", ", holders.GetValueOrDefault(gpu) ?? [])}");
            }
        }

        ShowNvlink(screen, node, devices.Count);
        ShowMatrix(screen, node, devices.Count);
    }

    private static string State(JsonNode? device) =>
        device.At("healthy") is not null && !device.Flag("healthy") ? $"UNHEALTHY ({device.Text("healthReason")}) "
        : device.Text("use") switch
        {
            "shared" => $"shared, {device.Number("freeMemoryMiB")} MiB left ",
            "mig" => $"MIG, slices {device.Text("slicesTaken")} ",
            var use => device.Text("mig") is "fixed" or "ondemand" && use == "idle" ? "MIG, idle " : use + " ",
        };

    private static Dictionary<int, List<string>> Holders(JsonObject node)
    {
        var holders = new Dictionary<int, List<string>>();
        foreach (var allocation in node.Items("allocations"))
        {
            foreach (var device in allocation.Items("devices"))
            {
                var gpu = (int)device.Number("gpu");
                holders.TryAdd(gpu, []);
                var part = device.Text("mig") is { Length: > 0 } mig ? $" {mig}" : device.Number("memoryMiB") > 0 ? $" {device.Number("memoryMiB")} MiB" : device.Number("milli") > 0 ? $" {device.Number("milli")}/1000" : "";
                var state = allocation.Text("state") is "bound" ? "" : $" ({allocation.Text("state")})";
                holders[gpu].Add(allocation.Text("pod") + part + state);
            }
        }

        return holders;
    }

    private static void ShowNvlink(Screen screen, JsonObject node, int count)
    {
        var links = Matrix(node, "nvlinkGBps", count);
        if (links is null)
        {
            screen.Line("NVLink: none known");
            return;
        }

        var seen = new HashSet<int>();
        for (var first = 0; first < count; first++)
        {
            if (!seen.Add(first))
            {
                continue;
            }

            List<int> group = [first];
            for (var at = 0; at < group.Count; at++)
            {
                group.AddRange(Enumerable.Range(0, count).Where(g => links[group[at]][g] is not ("0" or "") && g != group[at] && seen.Add(g)));
            }

            if (group.Count == 1)
            {
                screen.Line($"NVLink: GPU {first} is linked to no other");
                continue;
            }

            var speeds = group.SelectMany(a => group.Where(b => b != a).Select(b => links[a][b])).Distinct().ToList();
            screen.Line($"NVLink: GPUs {JsonView.Ranges(group)}, {(speeds.Count == 1 ? $"{speeds[0]} GB/s between each two" : "by pairs as below")}");
        }
    }

    /// <summary>As nvidia-smi topo -m draws it: NV with the speed in GB/s where NVLink joins two, else the PCIe distance.</summary>
    private static void ShowMatrix(Screen screen, JsonObject node, int count)
    {
        var nvlink = Matrix(node, "nvlinkGBps", count);
        var pcie = Matrix(node, "pcie", count);
        if (nvlink is null && pcie is null)
        {
            return;
        }

        string Cell(int a, int b) =>
            a == b ? "X"
            : nvlink is not null && nvlink[a][b] is not ("0" or "") ? "NV" + nvlink[a][b]
            : pcie is null ? "?" : pcie[a][b] switch { "internal" => "BRD", "single" => "PIX", "multiple" => "PXB", "hostbridge" => "PHB", "node" => "NODE", _ => "SYS" };
        screen.Line();
        screen.Table(0, ["", .. Enumerable.Range(0, count).Select(g => $"GPU{g}")], Enumerable.Range(0, count).Select(a => (string[])[$"GPU{a}", .. Enumerable.Range(0, count).Select(b => Cell(a, b))]));
        screen.Line("NVn: NVLink, n GB/s; BRD: one board; PIX: at most one PCIe bridge; PXB: several; PHB: a host bridge; NODE: one NUMA node; SYS: across, or not known");
    }

    private static List<List<string>>? Matrix(JsonObject node, string name, int count)
    {
        var rows = node.Items(name).Select(r => (r as JsonArray ?? []).Select(c => c.Text()).ToList()).ToList();
        return rows.Count == count && rows.All(r => r.Count == count) ? rows : null;
    }
}
