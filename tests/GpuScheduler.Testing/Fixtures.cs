using System.Collections.Immutable;
using System.Text.Json;

namespace GpuScheduler.Testing;

/// <summary>Tabulated hardware facts, recorded wire messages, manifests of gangs and objects of other stacks, embedded in this assembly.</summary>
public static class Fixtures
{
    private const string Root = "fixtures/";

    private static readonly JsonSerializerOptions s_json = new() { PropertyNameCaseInsensitive = true };

    /// <summary>Interconnects of real machines (gpu/topologies.json).</summary>
    public static ImmutableArray<MachineFact> Machines { get; } = ReadList<MachineFact>("gpu/topologies.json", "topologies");

    /// <summary>MIG profiles of real products (gpu/mig-profiles.json).</summary>
    public static ImmutableArray<MigProductFact> MigProducts { get; } = ReadList<MigProductFact>("gpu/mig-profiles.json", "products");

    /// <summary>Names of the recorded messages, for example filter.nodeCacheCapable-true.request.json.</summary>
    public static ImmutableArray<string> WireNames { get; } = NamesIn("wire/");

    /// <summary>
    /// Names of the manifests of gangs, for example volcano.yaml: pods as their controllers create them, in namespace ml and for the
    /// scheduler gpu-scheduler, with the objects they refer to. Each begins with comments that say what is to be made of it.
    /// </summary>
    public static ImmutableArray<string> GangNames { get; } = NamesIn("gangs/");

    /// <summary>Names of the manifests in the words of other sharing stacks, for example hami.yaml. Each begins with comments that say what is to be made of it.</summary>
    public static ImmutableArray<string> DialectNames { get; } = NamesIn("dialects/");

    /// <summary>The machine of an id, for example dgx1-v100.</summary>
    public static MachineFact Machine(string id) => Machines.Single(m => m.Id == id);

    /// <summary>The MIG facts of a product, by product label.</summary>
    public static MigProductFact MigProduct(string label) => MigProducts.Single(p => p.GfdProducts.Contains(label));

    /// <summary>A recorded message, byte for byte.</summary>
    public static byte[] Wire(string name) => Read("wire/" + name);

    /// <summary>A manifest of gangs.</summary>
    public static string Gangs(string name) => System.Text.Encoding.UTF8.GetString(Read("gangs/" + name));

    /// <summary>A manifest in the words of another sharing stack.</summary>
    public static string Dialect(string name) => System.Text.Encoding.UTF8.GetString(Read("dialects/" + name));

    /// <summary>
    /// What other stacks say of nodes (HAMi, Koordinator, NVIDIA's DRA driver), in the shape that their published types give it. Each
    /// begins with comments that name those and say what is in it.
    /// </summary>
    public static string Sources(string name) => System.Text.Encoding.UTF8.GetString(Read("sources/" + name));

    private static ImmutableArray<string> NamesIn(string folder) =>
    [
        .. typeof(Fixtures).Assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(Root + folder, StringComparison.Ordinal))
            .Select(n => n[(Root + folder).Length..])
            .Order(StringComparer.Ordinal),
    ];

    private static ImmutableArray<T> ReadList<T>(string path, string property)
    {
        using var document = JsonDocument.Parse(Read(path));
        return [.. document.RootElement.GetProperty(property).Deserialize<T[]>(s_json)!];
    }

    private static byte[] Read(string path)
    {
        using var stream = typeof(Fixtures).Assembly.GetManifestResourceStream(Root + path)
            ?? throw new ArgumentException($"no fixture {path}", nameof(path));
        using var buffer = new MemoryStream();
        stream.CopyTo(buffer);
        return buffer.ToArray();
    }
}
