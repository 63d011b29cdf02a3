using System.Globalization;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Generation;

/// <summary>
/// Reads a generated cluster of equal nodes in one line: generated:nodes=640,gpus=8,product=H100,rack=16,spine=16. Every setting but
/// the number of nodes has a usual value.
/// </summary>
internal static class GeneratedCluster
{
    /// <summary>How the line begins.</summary>
    public const string Prefix = "generated:";

    /// <summary>The settings, for help and messages.</summary>
    public const string Settings =
        "nodes, gpus (of a node, 8), product (H100), cpu and memory (of a node), rack (nodes of a rack, 16), spine (racks of a spine, 16), nvlink (nodes of an NVLink domain, none), mig-share (0)";

    /// <summary>Labels of the levels as Topograph writes them, which the engine knows without configuration.</summary>
    private const string RackLabel = "network.topology.nvidia.com/leaf";

    private const string SpineLabel = "network.topology.nvidia.com/spine";
    private const string NvlinkLabel = "network.topology.nvidia.com/accelerator";

    /// <summary>The scenario with the cluster in place of its own.</summary>
    public static Scenario Apply(string text, Scenario scenario)
    {
        var settings = Read(text);
        var nodes = Number("nodes", null);
        var rack = Number("rack", 16);
        var spine = rack * Number("spine", 16);
        var levels = new Dictionary<string, int>(StringComparer.Ordinal) { [RackLabel] = rack, [SpineLabel] = spine };
        if (settings.ContainsKey("nvlink"))
        {
            levels[NvlinkLabel] = Number("nvlink", null);
        }

        var gpus = Number("gpus", 8);
        var shape = $"{settings.GetValueOrDefault("product", "H100")}:{gpus}";
        if (settings.TryGetValue("memory", out var memory))
        {
            shape += $":{settings.GetValueOrDefault("cpu") ?? throw new InputException($"--cluster {text}: memory needs cpu beside it")}:{memory}";
        }
        else if (settings.TryGetValue("cpu", out var cpu))
        {
            shape += $":{cpu}";
        }

        var share = 0.0;
        if (settings.TryGetValue("mig-share", out var part) && (!double.TryParse(part, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out share) || share > 1))
        {
            throw new InputException($"--cluster {text}: mig-share={part}: from 0 to 1 is allowed");
        }

        return scenario with { Name = "generated", Nodes = [$"{nodes}x{shape}"], Levels = levels, MigShare = share };

        int Number(string name, int? usual) =>
            !settings.TryGetValue(name, out var value) ? usual ?? throw new InputException($"--cluster {text}: {name}= is needed, for example generated:nodes=640,gpus=8,rack=16")
            : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 1_000_000 ? number
            : throw new InputException($"--cluster {text}: {name}={value}: a whole number from 1 to 1000000 is needed");
    }

    private static Dictionary<string, string> Read(string text)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in Spans.Parts(text[Prefix.Length..]))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals > 0 ? part[..equals] : part;
            name = name switch { "gpus-per-node" => "gpus", "nodes-per-rack" => "rack", "racks-per-spine" => "spine", "nodes-per-nvlink" => "nvlink", _ => name };
            if (equals <= 0 || name is not ("nodes" or "gpus" or "product" or "cpu" or "memory" or "rack" or "spine" or "nvlink" or "mig-share"))
            {
                throw new InputException($"--cluster {text}: \"{part}\" is not a setting; there are {Settings}, each as NAME=VALUE");
            }

            if (!settings.TryAdd(name, part[(equals + 1)..].Trim()))
            {
                throw new InputException($"--cluster {text}: {name} is given twice");
            }
        }

        return settings;
    }
}
