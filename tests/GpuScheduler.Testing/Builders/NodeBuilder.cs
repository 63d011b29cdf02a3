using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Testing;

/// <summary>Builds a node as GPU Feature Discovery and the device plugin describe it.</summary>
public sealed class NodeBuilder(string name)
{
    private readonly Dictionary<string, string> _labels = new(StringComparer.Ordinal);
    private readonly List<NodeTaint> _taints = [];
    private readonly Dictionary<string, string> _allocatable = new(StringComparer.Ordinal) { ["cpu"] = "64", ["memory"] = "512Gi" };
    private string? _cached;
    private string? _reachable;

    /// <summary>Sets a label.</summary>
    public NodeBuilder Label(string key, string value)
    {
        _labels[key] = value;
        return this;
    }

    /// <summary>Sets an entry of status.allocatable.</summary>
    public NodeBuilder Allocatable(string resource, string quantity)
    {
        _allocatable[resource] = quantity;
        return this;
    }

    /// <summary>Names the data sets and models that it caches, as its annotation does.</summary>
    public NodeBuilder Caches(string names)
    {
        _cached = names;
        return this;
    }

    /// <summary>Names the data sets and models that it can reach, as its annotation does.</summary>
    public NodeBuilder Reaches(string names)
    {
        _reachable = names;
        return this;
    }

    /// <summary>Adds a taint.</summary>
    public NodeBuilder Taint(NodeTaint taint)
    {
        _taints.Add(taint);
        return this;
    }

    /// <summary>Sets the product label.</summary>
    public NodeBuilder Product(string product) => Label("nvidia.com/gpu.product", product);

    /// <summary>Sets gpu.count.</summary>
    public NodeBuilder Count(int gpus) => Label("nvidia.com/gpu.count", Text(gpus));

    /// <summary>Sets gpu.memory.</summary>
    public NodeBuilder MemoryMiB(int mebibytes) => Label("nvidia.com/gpu.memory", Text(mebibytes));

    /// <summary>So many whole GPUs of a product: label, count and allocatable agree.</summary>
    public NodeBuilder Gpus(string product, int count) => Product(product).Count(count).Whole(count);

    /// <summary>Sets allocatable nvidia.com/gpu.</summary>
    public NodeBuilder Whole(int count) => Allocatable(GpuAnnotations.GpuResource, Text(count));

    /// <summary>Sets allocatable MIG devices of a profile.</summary>
    public NodeBuilder Mig(string profile, int count) => Allocatable(GpuAnnotations.MigResourcePrefix + profile, Text(count));

    /// <summary>The node.</summary>
    public NodeObject Build() => new()
    {
        Name = name,
        Labels = new Dictionary<string, string>(_labels, StringComparer.Ordinal),
        Taints = [.. _taints],
        Allocatable = new Dictionary<string, string>(_allocatable, StringComparer.Ordinal),
        CachedData = _cached,
        ReachableData = _reachable,
    };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
