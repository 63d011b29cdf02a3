using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Extender.Tests.Wire;

/// <summary>
/// ExtenderArgs by the framework's own document model, from the definition alone: property names in any case, null is absent, the
/// last of several counts, every known node once.
/// </summary>
internal sealed record ArgsOracle
{
    public string? Error { get; private set; }

    public string? PodUid { get; private set; }

    public int PodGpus { get; private set; }

    public bool HasNames { get; private set; }

    public bool HasNodes { get; private set; }

    public List<int> Candidates { get; } = [];

    public List<string> Unknown { get; } = [];

    /// <summary>The accepted objects, byte for byte.</summary>
    public List<string> Bodies { get; } = [];

    public static ArgsOracle Read(byte[] body, Snapshot snapshot)
    {
        var result = new ArgsOracle();
        using var document = JsonDocument.Parse(body);
        var root = document.RootElement;
        foreach (var property in root.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.Null))
        {
            if (Is(property, "Pod"))
            {
                result.ReadPod(property.Value);
            }
            else if (Is(property, "NodeNames"))
            {
                result.Begin(names: true);
                foreach (var name in property.Value.EnumerateArray())
                {
                    result.Add(snapshot, name.GetString()!, null);
                }
            }
            else if (Is(property, "Nodes"))
            {
                result.Begin(names: false);
                foreach (var items in property.Value.EnumerateObject().Where(p => Is(p, "items") && p.Value.ValueKind != JsonValueKind.Null))
                {
                    result.Begin(names: false);
                    foreach (var item in items.Value.EnumerateArray())
                    {
                        result.Add(snapshot, item.GetProperty("metadata").GetProperty("name").GetString()!, item.GetRawText());
                    }
                }
            }
        }

        result.Error = result.PodUid is null ? "Pod is missing" : !result.HasNames && !result.HasNodes ? "neither NodeNames nor Nodes is given" : null;
        return result;
    }

    private static bool Is(JsonProperty property, string name) => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private void ReadPod(JsonElement pod)
    {
        PodUid = pod.GetProperty("metadata").GetProperty("uid").GetString();
        PodGpus = pod.GetProperty("spec").GetProperty("containers").EnumerateArray()
            .Sum(c => int.Parse(c.GetProperty("resources").GetProperty("requests").GetProperty("nvidia.com/gpu").GetString()!, System.Globalization.CultureInfo.InvariantCulture));
    }

    private void Begin(bool names)
    {
        (HasNames, HasNodes) = (names, !names);
        Candidates.Clear();
        Unknown.Clear();
        Bodies.Clear();
    }

    private void Add(Snapshot snapshot, string name, string? body)
    {
        var position = snapshot.Index.Find(Encoding.UTF8.GetBytes(name));
        if (position >= 0 && Candidates.Contains(position))
        {
            return;
        }

        Candidates.Add(position);
        if (position < 0)
        {
            Unknown.Add(name);
        }

        if (body is not null)
        {
            Bodies.Add(body);
        }
    }
}
