using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>
/// The GPU sharing stacks whose pods are understood. One table: everything else refers to it. What the words mean, and where that was
/// read, is in the README of this folder.
/// </summary>
public static class ShareDialects
{
    /// <summary>Memory of a GPU in units of the node's plugin (AliyunContainerService/gpushare-scheduler-extender, pkg/utils/const.go).</summary>
    public const string GpushareMemory = "aliyun.com/gpu-mem";

    /// <summary>GPUs of a node (same file).</summary>
    public const string GpushareCount = "aliyun.com/gpu-count";

    /// <summary>Virtual GPUs of Volcano (Project-HAMi/volcano-vgpu-device-plugin, doc/config.md).</summary>
    public const string VolcanoCount = "volcano.sh/vgpu-number";

    internal const string KaiFraction = "gpu-fraction";
    internal const string KaiMemory = "gpu-memory";
    internal const string KaiCount = "gpu-fraction-num-devices";

    internal const string UseTypes = "nvidia.com/use-gputype";
    internal const string AvoidTypes = "nvidia.com/nouse-gputype";
    internal const string UseUuids = "nvidia.com/use-gpuuuid";
    internal const string AvoidUuids = "nvidia.com/nouse-gpuuuid";
    internal const string NumaBind = "nvidia.com/numa-bind";
    internal const string VgpuMode = "nvidia.com/vgpu-mode";

    internal const string GpushareIndex = "ALIYUN_COM_GPU_MEM_IDX";
    internal const string GpusharePod = "ALIYUN_COM_GPU_MEM_POD";
    internal const string GpushareDevice = "ALIYUN_COM_GPU_MEM_DEV";
    internal const string GpushareAssigned = "ALIYUN_COM_GPU_MEM_ASSIGNED";
    internal const string GpushareAssumeTime = "ALIYUN_COM_GPU_MEM_ASSUME_TIME";

    internal const string HamiNode = "hami.io/vgpu-node";
    internal const string HamiTime = "hami.io/vgpu-time";
    internal const string HamiToAllocate = "hami.io/vgpu-devices-to-allocate";
    internal const string HamiAllocated = "hami.io/vgpu-devices-allocated";
    internal const string HamiBindPhase = "hami.io/bind-phase";
    internal const string HamiBindTime = "hami.io/bind-time";

    internal const string VolcanoNode = "volcano.sh/vgpu-node";
    internal const string VolcanoTime = "volcano.sh/vgpu-time";
    internal const string VolcanoToAllocate = "volcano.sh/devices-to-allocate";
    internal const string VolcanoAllocated = "volcano.sh/vgpu-ids-new";
    internal const string VolcanoBindPhase = "volcano.sh/bind-phase";
    internal const string VolcanoBindTime = "volcano.sh/bind-time";

    /// <summary>gpushare: a share by memory, of one GPU.</summary>
    public static ShareDialect Gpushare { get; } = new("gpushare", DevicePlugins.Gpushare)
    {
        Resources = Words((GpushareMemory, ShareWord.MemoryUnits), (GpushareCount, ShareWord.Count)),
        Gives = [GpushareIndex, GpusharePod],
    };

    /// <summary>HAMi: virtual GPUs with memory and compute. Its count is the ordinary nvidia.com/gpu, which therefore is not among its resources.</summary>
    public static ShareDialect Hami { get; } = new("hami", DevicePlugins.Hami)
    {
        Count = GpuAnnotations.GpuResource,
        Resources = Words(("nvidia.com/gpumem", ShareWord.Memory), ("nvidia.com/gpumem-percentage", ShareWord.MemoryPercent), ("nvidia.com/gpucores", ShareWord.Cores)),
        Asks = [UseTypes, AvoidTypes, UseUuids, AvoidUuids, NumaBind, VgpuMode],
        Gives = [HamiNode, HamiAllocated],
    };

    /// <summary>Volcano's vGPU: the same with names of its own.</summary>
    public static ShareDialect Volcano { get; } = new("volcano", DevicePlugins.Volcano)
    {
        Count = VolcanoCount,
        Resources = Words(
            (VolcanoCount, ShareWord.Count), ("volcano.sh/vgpu-memory", ShareWord.Memory),
            ("volcano.sh/vgpu-memory-percentage", ShareWord.MemoryPercent), ("volcano.sh/vgpu-cores", ShareWord.Cores)),
        Gives = [VolcanoNode, VolcanoAllocated],
    };

    /// <summary>KAI: fractions of GPUs, in annotations.</summary>
    public static ShareDialect Kai { get; } = new("kai", DevicePlugins.None) { Asks = [KaiFraction, KaiMemory, KaiCount] };

    /// <summary>All of them.</summary>
    public static ImmutableArray<ShareDialect> All { get; } = [Gpushare, Hami, Volcano, Kai];

    private static readonly FrozenDictionary<string, ShareDialect> s_byResource =
        All.SelectMany(d => d.Resources.Keys.Select(r => (r, d))).ToFrozenDictionary(p => p.r, p => p.d, StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, ShareDialect> s_byAnnotation =
        All.SelectMany(d => d.Asks.Concat(d.Gives).Select(a => (a, d))).ToFrozenDictionary(p => p.a, p => p.d, StringComparer.Ordinal);

    private static readonly Utf8Names s_annotations = new(s_byAnnotation.Keys);

    /// <summary>Every resource in which some dialect asks, nvidia.com/gpu left out.</summary>
    public static ImmutableArray<string> ResourceNames { get; } = [.. s_byResource.Keys.Order(StringComparer.Ordinal)];

    /// <summary>True for a resource in which some dialect asks.</summary>
    internal static bool IsResource(string name) => s_byResource.ContainsKey(name);

    /// <summary>The dialect of a resource.</summary>
    internal static ShareDialect OfResource(string name) => s_byResource[name];

    /// <summary>The dialect of an annotation; null when it is of none.</summary>
    internal static ShareDialect? OfAnnotation(string name) => s_byAnnotation.GetValueOrDefault(name);

    /// <summary>True for an annotation that some dialect reads or writes.</summary>
    /// <param name="utf8">Its name.</param>
    /// <param name="name">The same as a string, without making one.</param>
    public static bool IsAnnotation(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? name) => s_annotations.TryFind(utf8, out name);

    private static FrozenDictionary<string, ShareWord> Words(params (string Name, ShareWord Word)[] words) =>
        words.ToFrozenDictionary(w => w.Name, w => w.Word, StringComparer.Ordinal);
}
