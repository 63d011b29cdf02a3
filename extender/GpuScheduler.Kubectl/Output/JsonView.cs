using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GpuScheduler.Kubectl.Output;

/// <summary>Fields of answers; those that are not there, or are of another kind, are empty: an older service says less.</summary>
internal static class JsonView
{
    /// <summary>A string; also a number or flag as text. Empty when it is not there.</summary>
    public static string Text(this JsonNode? node, params ReadOnlySpan<string> path) => At(node, path) switch
    {
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        JsonValue value when value.GetValueKind() is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.ToJsonString(),
        _ => "",
    };

    /// <summary>A whole number; 0 when it is not there.</summary>
    public static long Number(this JsonNode? node, params ReadOnlySpan<string> path) =>
        At(node, path) is JsonValue value && value.GetValueKind() == JsonValueKind.Number && decimal.TryParse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) < long.MaxValue
            ? (long)number
            : 0;

    /// <summary>True when it is true.</summary>
    public static bool Flag(this JsonNode? node, params ReadOnlySpan<string> path) => At(node, path) is JsonValue value && value.GetValueKind() == JsonValueKind.True;

    /// <summary>The elements of a list; none when it is not there.</summary>
    public static IEnumerable<JsonNode?> Items(this JsonNode? node, params ReadOnlySpan<string> path) => At(node, path) as JsonArray ?? [];

    /// <summary>The fields of an object; none when it is not there.</summary>
    public static IEnumerable<KeyValuePair<string, JsonNode?>> Fields(this JsonNode? node, params ReadOnlySpan<string> path) => At(node, path) as JsonObject ?? [];

    /// <summary>What is at a path; null when nothing is.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            node = (node as JsonObject)?[name];
        }

        return node;
    }

    /// <summary>Devices of an assignment in words: "GPUs 0-3", "GPU 2 (1g.10gb at 4)", "GPU 1 (4096 MiB)".</summary>
    public static string Devices(JsonNode? devices)
    {
        var whole = new List<int>();
        var parts = new List<string>();
        foreach (var device in (devices as JsonArray) ?? [])
        {
            var gpu = (int)device.Number("gpu");
            if (device.Text("mig") is { Length: > 0 } mig)
            {
                parts.Add($"GPU {gpu} ({mig} at {device.Text("start")})");
            }
            else if (device.Number("memoryMiB") > 0 || device.Number("milli") > 0)
            {
                string[] amounts = [device.Number("memoryMiB") is > 0 and var memory ? $"{memory} MiB" : "", device.Number("milli") is > 0 and var milli ? $"{milli}/1000" : ""];
                parts.Add($"GPU {gpu} ({string.Join(", ", amounts.Where(a => a.Length > 0))})");
            }
            else
            {
                whole.Add(gpu);
            }
        }

        if (whole.Count > 0)
        {
            parts.Insert(0, $"{(whole.Count == 1 ? "GPU" : "GPUs")} {Ranges(whole)}");
        }

        return string.Join(", ", parts);
    }

    /// <summary>Numbers as ranges: 0-3,5.</summary>
    public static string Ranges(IEnumerable<int> numbers)
    {
        var ranges = new List<(int From, int To)>();
        foreach (var number in numbers.Order())
        {
            if (ranges.Count > 0 && number <= ranges[^1].To + 1)
            {
                ranges[^1] = (ranges[^1].From, Math.Max(number, ranges[^1].To));
            }
            else
            {
                ranges.Add((number, number));
            }
        }

        return string.Join(',', ranges.Select(r => r.From == r.To ? $"{r.From}" : $"{r.From}-{r.To}"));
    }

    /// <summary>"1 node", "2 nodes".</summary>
    public static string Count(long count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
