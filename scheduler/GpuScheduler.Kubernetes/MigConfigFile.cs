using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Mig;
using YamlDotNet.Core;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Reads the configuration file of mig-parted (version v1), in YAML or JSON: mig-configs, by name a list of entries with devices (all, or
/// indices), device-filter (PCI device ids), mig-enabled and mig-devices (how many of each profile on each GPU).
/// </summary>
public static class MigConfigFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="allowed">Names of the configurations that are wanted, in the order of preference.</param>
    /// <exception cref="InvalidDataException">It cannot be read, or a configuration is not in it. The message says what to change.</exception>
    public static ImmutableArray<MigConfig> Load(string path, IReadOnlyList<string> allowed)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(allowed);
        try
        {
            using var text = new StreamReader(path);
            return Read(text, path, allowed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path} cannot be read: {e.Message}", e);
        }
    }

    internal static ImmutableArray<MigConfig> Read(TextReader text, string path, IReadOnlyList<string> allowed)
    {
        try
        {
            // JSON is YAML, too.
            var yaml = new YamlToJson(new Parser(text));
            var root = yaml.NextDocument() && yaml.ReadObject((_, _) => { }, out _) is { } json ? JsonNode.Parse(json.Span) : null;
            var configs = Field(root, "mig-configs", "the file") as JsonObject ?? throw Wrong("mig-configs", "has to be an object with a list for each configuration");
            return [.. allowed.Select(name => new MigConfig(name, Parts(name, configs[name] ?? throw new InvalidDataException($"{path} has no configuration {name}; it has {string.Join(", ", configs.Select(c => c.Key).Order(StringComparer.Ordinal))}"))))];
        }
        catch (YamlException e)
        {
            throw new InvalidDataException($"{path}, line {e.Start.Line}: it is not YAML: {e.Message}", e);
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidDataException($"{path} is not a configuration file of mig-parted: {e.Message}", e);
        }
    }

    private static ImmutableArray<MigConfigPart> Parts(string name, JsonNode config) =>
        config is JsonArray { Count: > 0 } list ? [.. list.Select((e, i) => Part(e, $"mig-configs.{name}[{i}]"))] : throw Wrong($"mig-configs.{name}", "has to be a list with at least one entry");

    private static MigConfigPart Part(JsonNode? entry, string where)
    {
        var enabled = Field(entry, "mig-enabled", where) is JsonValue flag && flag.TryGetValue(out bool isEnabled) ? isEnabled : throw Wrong(where + ".mig-enabled", "has to be true or false");
        ImmutableArray<int>? gpus = Field(entry, "devices", where) switch
        {
            JsonValue v when v.TryGetValue(out string? all) && all == "all" => null,
            JsonArray indices => [.. indices.Select(i => i is JsonValue n && n.TryGetValue(out int index) && index >= 0 ? index : throw Wrong(where + ".devices", "has to be \"all\" or a list of indices from 0 on"))],
            _ => throw Wrong(where + ".devices", "has to be \"all\" or a list of indices from 0 on"),
        };
        ImmutableArray<string> filter = Field(entry, "device-filter", where) switch
        {
            null => [],
            JsonArray ids => [.. ids.Select(i => Id(i, where))],
            var one => [Id(one, where)],
        };
        var devices = Field(entry, "mig-devices", where) switch
        {
            null => [],
            JsonObject counts => counts.Select(c => (Profile(c.Key), Count(c.Value, $"{where}.mig-devices.{c.Key}"))).ToImmutableArray(),
            _ => throw Wrong(where + ".mig-devices", "has to be an object with a count for each profile"),
        };
        return new MigConfigPart(filter, gpus, enabled, devices);
    }

    /// <summary>The name as resources have it: 1g.10gb+me is 1g.10gb.me there.</summary>
    private static string Profile(string name) => name.Replace('+', '.');

    private static int Count(JsonNode? value, string where) =>
        value is JsonValue v && v.TryGetValue(out int count) && count is >= 0 and <= 64 ? count : throw Wrong(where, "has to be a count of 0 to 64");

    /// <summary>PCI device ids are written 0x20B510DE, which unquoted is a number in YAML.</summary>
    private static string Id(JsonNode? value, string where) => value switch
    {
        JsonValue v when v.TryGetValue(out string? text) && text.Length > 0 => text,
        JsonValue v when v.TryGetValue(out long number) => string.Create(CultureInfo.InvariantCulture, $"0x{number:X8}"),
        _ => throw Wrong(where + ".device-filter", "has to be a PCI device id such as \"0x20B510DE\", or a list of them"),
    };

    private static JsonNode? Field(JsonNode? node, string name, string where) =>
        node is JsonObject o ? o[name] : throw Wrong(where, "has to be an object");

    private static FormatException Wrong(string where, string what) => new($"{where} {what}");
}
