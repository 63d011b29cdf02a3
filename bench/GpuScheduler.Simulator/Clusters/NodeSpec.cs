using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Clusters;

/// <summary>A kind of node: so many GPUs of a product, CPU and memory. Written PRODUCT:GPUS[:CPU[:MEMORY]], as in H100:8:192:2Ti.</summary>
/// <param name="Product">Product label; empty for a node without GPUs.</param>
/// <param name="Gpus">GPUs.</param>
/// <param name="Cpu">CPU as a quantity of cores.</param>
/// <param name="Memory">Memory as a quantity of bytes.</param>
internal sealed record NodeSpec(string Product, int Gpus, string Cpu, string Memory)
{
    /// <summary>The label by which a node is known to have a product.</summary>
    public const string ProductLabel = "nvidia.com/gpu.product";

    private const string CountLabel = "nvidia.com/gpu.count";
    private const string Form = "PRODUCT:GPUS[:CPU[:MEMORY]] is allowed, for example H100:8:192:2Ti";
    private const int MostNodes = 1_000_000;

    /// <summary>Cores and GiB a GPU where a shape gives none: what common 8-GPU machines have, rounded down.</summary>
    private const int UsualCoresPerGpu = 12;

    private const int UsualGibPerGpu = 128;

    /// <summary>Reads a shape.</summary>
    /// <param name="text">The shape.</param>
    /// <param name="known">Nodes whose products and sizes are meant first; those of the catalogue come after.</param>
    public static NodeSpec Parse(string text, IReadOnlyList<NodeObject> known)
    {
        var parts = text.Split(':');
        if (parts.Length is < 2 or > 4 || parts[0].Length == 0
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var gpus) || gpus > InterconnectMatrix.MostGpus)
        {
            throw new InputException($"\"{text}\" is not a shape of node: {Form}, with 0 to {InterconnectMatrix.MostGpus} GPUs");
        }

        var product = gpus == 0 ? "" : Resolve(parts[0], known);
        var alike = known.FirstOrDefault(n => n.Labels.GetValueOrDefault(ProductLabel, "") == product && GpusOf(n) == gpus);
        var cpu = parts.Length > 2 ? parts[2] : alike?.Allocatable.GetValueOrDefault("cpu") ?? Text(UsualCoresPerGpu * Math.Max(gpus, 1));
        var memory = parts.Length > 3 ? parts[3] : alike?.Allocatable.GetValueOrDefault("memory") ?? Text(UsualGibPerGpu * Math.Max(gpus, 1)) + "Gi";
        return Quantity.TryParseMilli(cpu, out _) && Quantity.TryParseBytes(memory, out _)
            ? new NodeSpec(product, gpus, cpu, memory)
            : throw new InputException($"\"{text}\" is not a shape of node: CPU and memory are Kubernetes quantities such as 192 and 2Ti");
    }

    /// <summary>Reads COUNTxSHAPE.</summary>
    public static (int Count, NodeSpec Spec) ParseCounted(string text, IReadOnlyList<NodeObject> known)
    {
        var x = text.IndexOf('x', StringComparison.Ordinal);
        return x > 0 && int.TryParse(text.AsSpan(0, x), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and <= MostNodes
            ? (count, Parse(text[(x + 1)..], known))
            : throw new InputException($"\"{text}\" is not a number of nodes: COUNTxSHAPE is allowed, as in 4xH100:8:192:2Ti, where {Form}");
    }

    /// <summary>Most pods of a node; null for any number.</summary>
    public int? MostPods { get; init; }

    /// <summary>A node of this kind.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="labels">Further labels.</param>
    /// <param name="mig">How many devices of each MIG profile it offers, and the GPUs that are cut for them; null for none.</param>
    public NodeObject Build(string name, IEnumerable<KeyValuePair<string, string>>? labels = null, (IReadOnlyDictionary<string, int> Devices, int Gpus)? mig = null)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        var allocatable = new Dictionary<string, string>(StringComparer.Ordinal) { ["cpu"] = Cpu, ["memory"] = Memory };
        if (Gpus > 0)
        {
            all[ProductLabel] = Product;
            all[CountLabel] = Text(Gpus);
            allocatable[GpuAnnotations.GpuResource] = Text(Gpus - (mig?.Gpus ?? 0));
        }

        if (MostPods is { } pods)
        {
            allocatable[NodeObject.PodsResource] = Text(pods);
        }

        foreach (var (profile, count) in mig?.Devices ?? new Dictionary<string, int>())
        {
            allocatable[GpuAnnotations.MigResourcePrefix + profile] = Text(count);
        }

        foreach (var (key, value) in labels ?? [])
        {
            all[key] = value;
        }

        return new NodeObject { Name = name, Labels = all, Allocatable = allocatable };
    }

    /// <summary>The GPUs a node says it has, whole or cut.</summary>
    public static int GpusOf(NodeObject node) =>
        node.Labels.TryGetValue(CountLabel, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var counted) ? counted
        : node.Allocatable.TryGetValue(GpuAnnotations.GpuResource, out text) && Quantity.TryParseCount(text, out var allocatable) ? allocatable
        : 0;

    /// <inheritdoc/>
    public override string ToString() => $"{(Gpus == 0 ? "cpu" : Product)}:{Text(Gpus)}:{Cpu}:{Memory}";

    /// <summary>A product as the cluster spells it, else as the catalogue does where the name means one, else as it was written.</summary>
    private static string Resolve(string written, IReadOnlyList<NodeObject> known)
    {
        string? matching = null;
        foreach (var node in known)
        {
            var label = node.Labels.GetValueOrDefault(ProductLabel, "");
            if (label == written)
            {
                return written;
            }

            matching ??= GpuModelMatch.Matches([written], label) ? label : null;
        }

        return matching ?? (GpuCatalogue.Find(written) is not null
            ? written
            : GpuCatalogue.Products.FirstOrDefault(p => GpuModelMatch.Matches([written], p.Name))?.Name ?? written);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
