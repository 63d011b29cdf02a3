using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Cluster;

/// <summary>What a node has, whoever uses it. Immutable; made by <see cref="NodeFactsBuilder"/> whenever the node or its report changes.</summary>
public sealed class NodeFacts
{
    private NodeInfo? _empty;

    internal NodeFacts(string name, string product, InterconnectMatrix links, bool isTemplate)
    {
        Name = name;
        Product = product;
        ProductId = isTemplate ? ProductIds.Find(product) : ProductIds.Of(product);
        Links = links;
        Sets = DeviceSetTable.For(links);
    }

    /// <summary>Name of the node.</summary>
    public string Name { get; }

    /// <summary>The product in the form of GPU Feature Discovery's label, or "" when no source names it.</summary>
    public string Product { get; }

    /// <summary>A small number that stands for <see cref="Product"/> in this process; <see cref="ProductIds.None"/> for a template whose product no node has.</summary>
    internal int ProductId { get; }

    /// <summary>The product in the catalogue; null when it is not there.</summary>
    public GpuProduct? Model { get; internal init; }

    /// <summary>The GPUs, by index. In the single MIG strategy and with time-slicing: the units that nvidia.com/gpu counts.</summary>
    public ImmutableArray<GpuInfo> Gpus { get; internal init; } = [];

    /// <summary>How they are wired.</summary>
    public InterconnectMatrix Links { get; }

    /// <summary>The best sets of them.</summary>
    public DeviceSetTable Sets { get; }

    /// <summary>MIG profiles of the GPUs; null when they have none that is known.</summary>
    public MigGeometry? Geometry { get; internal init; }

    /// <summary>How many units of nvidia.com/gpu the node hands out.</summary>
    public int AllocatableGpus { get; internal init; }

    /// <summary>How many MIG devices the node hands out, by index of the profile in <see cref="Geometry"/>.</summary>
    public ImmutableArray<int> AllocatableMig { get; internal init; } = [];

    /// <summary>CPU the node hands out, in milli-CPU.</summary>
    public long CpuMilli { get; internal init; }

    /// <summary>Memory the node hands out, in bytes.</summary>
    public long MemoryBytes { get; internal init; }

    /// <summary>How many pods the node takes; null when it does not say.</summary>
    public int? MostPods { get; internal init; }

    /// <summary>GPUs that can be handed out whole when nobody uses them: healthy and not in MIG mode.</summary>
    public ulong WholeMask { get; internal init; }

    /// <summary>GPUs in MIG mode that are healthy.</summary>
    public ulong MigMask { get; internal init; }

    /// <summary>Memory slices of a GPU in MIG mode.</summary>
    public int MemorySlices => Geometry?.MemorySlices ?? 8;

    /// <summary>GPUs that are healthy, whole or in MIG mode.</summary>
    public int UsableGpus => BitOperations.PopCount(WholeMask | MigMask);

    /// <summary>False where nvidia.com/gpu counts MIG devices or time-slices: these cannot be shared once more.</summary>
    public bool Shareable { get; internal init; } = true;

    /// <summary>The device plugins of other stacks that it runs.</summary>
    public DevicePlugins Plugins { get; internal init; }

    /// <summary>False where no device plugin hands out whole GPUs as nvidia.com/gpu, only shares of them.</summary>
    public bool OffersWhole { get; internal init; } = true;

    /// <summary>What one of aliyun.com/gpu-mem is, in MiB: 1024 or 1; 0 on a node that does not offer it.</summary>
    public int MemoryUnitMiB { get; internal init; }

    /// <summary>Memory of each GPU in that unit, as the plugin counts it.</summary>
    public int MemoryUnitsPerGpu { get; internal init; }

    /// <summary>The labels that the engine reads.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; internal init; } = new Dictionary<string, string>();

    /// <summary>What keeps pods off it that do not tolerate it. Filter need not look: kube-scheduler offers no such node.</summary>
    public ImmutableArray<NodeTaint> Taints { get; internal init; } = [];

    /// <summary>Why no pod that wants a GPU may come, while its MIG layout is being changed; null when they may.</summary>
    public Status? Closed { get; internal set; }

    /// <summary>The NVLink domain above the node, or null.</summary>
    public string? NvlinkDomain { get; internal init; }

    /// <summary>The data sets and models that the node caches or can reach, and how near each is: 1 on the node itself, less the farther off.</summary>
    public IReadOnlyDictionary<string, double> Data { get; internal init; } = new Dictionary<string, double>();

    /// <summary>Where each fact comes from, by its name in the inspection API.</summary>
    public IReadOnlyDictionary<string, FactSource> Sources { get; internal init; } = new Dictionary<string, FactSource>();

    /// <summary>What could not be believed or understood, in words for the operator.</summary>
    public ImmutableArray<string> Warnings { get; internal init; } = [];

    /// <summary>The node as it would be with nobody on it.</summary>
    public NodeInfo Empty => _empty ??= NodeInfo.Build(this, []);

    /// <summary>True when the node has what hands out devices to such a pod.</summary>
    internal bool Serves(GpuRequest request) =>
        request.Plugin != DevicePlugins.None ? (Plugins & request.Plugin) != 0 : request.WholeGpus == 0 || OffersWhole;

    /// <summary>The GPUs of a mask that a request allows: by their memory and by UUID.</summary>
    internal ulong Allowed(ulong mask, GpuRequest request)
    {
        mask = WithMemory(mask, request.MinGpuMemoryMiB);
        if (request.LimitsUuids)
        {
            for (var i = 0; i < Gpus.Length; i++)
            {
                if (!request.AllowsUuid(Gpus[i].Uuid))
                {
                    mask &= ~(1UL << i);
                }
            }
        }

        return mask;
    }

    /// <summary>Where a device is now: a source that came or went may number the GPUs otherwise than when it was handed out.</summary>
    internal int PositionOf(in AssignedDevice device)
    {
        if (device.Uuid is not { } uuid || device.Mig is not null || ((uint)device.Gpu < (uint)Gpus.Length && Gpus[device.Gpu].Uuid == uuid))
        {
            return device.Gpu;
        }

        for (var i = 0; i < Gpus.Length; i++)
        {
            if (Gpus[i].Uuid == uuid)
            {
                return i;
            }
        }

        return device.Gpu;
    }

    /// <summary>The GPUs of a mask that have at least so much memory.</summary>
    internal ulong WithMemory(ulong mask, int leastMiB)
    {
        if (leastMiB == 0)
        {
            return mask;
        }

        for (var i = 0; i < Gpus.Length; i++)
        {
            if (Gpus[i].MemoryMiB < leastMiB)
            {
                mask &= ~(1UL << i);
            }
        }

        return mask;
    }
}
