using System.Text.Json;
using System.Text.Json.Serialization;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Generation;

/// <summary>What a cluster and a workload are generated from: a JSON file, or the example that the program carries.</summary>
internal sealed record Scenario
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Name as shown.</summary>
    public required string Name { get; init; }

    /// <summary>The nodes: COUNTxSHAPE each.</summary>
    public required IReadOnlyList<string> Nodes { get; init; }

    /// <summary>Labels of the network above the nodes, and how many consecutive nodes share a value.</summary>
    public IReadOnlyDictionary<string, int> Levels { get; init; } = new Dictionary<string, int>();

    /// <summary>Share, from 0 to 1, of the nodes whose GPUs can be cut by MIG that are cut.</summary>
    public double MigShare { get; init; }

    /// <summary>The kinds of pods.</summary>
    public required IReadOnlyList<PodKind> Pods { get; init; }

    /// <summary>The example that the program carries.</summary>
    public static Scenario Example { get; } = ReadExample();

    /// <summary>Reads a file.</summary>
    public static Scenario Load(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return (JsonSerializer.Deserialize<Scenario>(file, s_json) ?? throw new InputException($"{path}: null is not a scenario")).Checked(path);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}:{(e.LineNumber ?? 0) + 1}: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the scenario cannot be read: {e.Message}", e);
        }
    }

    private static Scenario ReadExample()
    {
        using var stream = typeof(Scenario).Assembly.GetManifestResourceStream("example.json") ?? throw new InvalidOperationException("the example is not in the program");
        return JsonSerializer.Deserialize<Scenario>(stream, s_json)!.Checked("the example");
    }

    private Scenario Checked(string path)
    {
        if (MigShare is < 0 or > 1 || double.IsNaN(MigShare))
        {
            throw new InputException($"{path}: migShare is {MigShare}: from 0 to 1 is allowed");
        }

        if (Levels.FirstOrDefault(l => l.Value < 1) is { Key: not null } level)
        {
            throw new InputException($"{path}: level {level.Key} has {level.Value} nodes: at least 1 is allowed");
        }

        if (Nodes.Count == 0 || Pods.Count == 0)
        {
            throw new InputException($"{path}: nodes and pods may not be empty");
        }

        for (var i = 0; i < Pods.Count; i++)
        {
            if (Pods[i].Problem is { } problem)
            {
                throw new InputException($"{path}: pods[{i}]: {problem}");
            }
        }

        return this;
    }
}
