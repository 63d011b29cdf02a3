using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// Decides what to believe of a node. Precedence: node report, then labels of GPU Feature Discovery, then allocatable, then the
/// catalogue; each fact keeps its source.
/// </summary>
public static class NodeFactsBuilder
{
    private const string ProductLabel = "nvidia.com/gpu.product";
    private const string CountLabel = "nvidia.com/gpu.count";
    private const string MemoryLabel = "nvidia.com/gpu.memory";
    private const string ReplicasLabel = "nvidia.com/gpu.replicas";
    private const string SharedSuffix = "-SHARED";
    private const string MigInfix = "-MIG-";

    private static readonly ConcurrentDictionary<(MigGeometry, string, int), ImmutableArray<ImmutableArray<MigPlacement>>?> s_layouts = new();

    /// <summary>Combines a node with its report, if it has one.</summary>
    public static NodeFacts Build(NodeObject node, NodeReport? report)
    {
        ArgumentNullException.ThrowIfNull(node);
        var facts = new Draft(node);
        return report is null ? facts.FromLabels() : facts.FromReport(report);
    }

    private sealed class Draft(NodeObject node)
    {
        private readonly Dictionary<string, FactSource> _sources = new(StringComparer.Ordinal);
        private readonly List<string> _warnings = [];
        private readonly string _product = node.Labels.GetValueOrDefault(ProductLabel, "");

        public NodeFacts FromReport(NodeReport report)
        {
            var model = GpuCatalogue.Find(_product);
            var gpus = report.Gpus;
            if (gpus.Length > InterconnectMatrix.MostGpus)
            {
                Warn($"the report lists {gpus.Length} GPUs; only the first {InterconnectMatrix.MostGpus} are used");
                gpus = gpus[..InterconnectMatrix.MostGpus];
            }

            _sources["gpus"] = _sources["memory"] = _sources["health"] = _sources["mig"] = FactSource.Report;
            if (gpus.Any(g => g.MemoryMiB == 0))
            {
                var memory = MemoryPerGpu(model, out var source);
                gpus = [.. gpus.Select(g => g.MemoryMiB == 0 ? g with { MemoryMiB = memory } : g)];
                _sources["memory"] = source;
            }

            var links = report.Links is { } reported && reported.GpuCount == gpus.Length ? reported : null;
            if (report.Links is not null && links is null)
            {
                Warn($"the report's link matrix is for {report.Links.GpuCount} GPUs and the report lists {gpus.Length}; it is not used");
            }

            _sources["links"] = FactSource.Report;
            links ??= LinksOf(model, gpus.Length);
            var geometry = model?.Mig;
            var cut = gpus.Any(g => g.Mig != MigMode.Disabled);
            if (cut && geometry is null)
            {
                Warn($"GPUs in MIG mode, but the MIG profiles of \"{_product}\" are not known; their devices are not offered");
            }

            var whole = OffersWhole ? AllocatableGpus() : gpus.Count(g => g.Mig == MigMode.Disabled);
            return Finish(model, gpus, links, geometry, whole, geometry is null ? [] : MigCaps(geometry, gpus), shareable: true, Domain(report.NvlinkDomain));
        }

        public NodeFacts FromLabels()
        {
            var model = GpuCatalogue.Find(_product);
            var memory = MemoryPerGpu(model, out var memorySource);
            var allocatable = OffersWhole ? AllocatableGpus() : SharedGpus();
            _sources["memory"] = memorySource;
            _sources["health"] = FactSource.Assumed;
            if (CountsParts)
            {
                // nvidia.com/gpu counts MIG devices (single strategy) or time-slices: units without links, told apart by number only.
                var units = Math.Min(allocatable, InterconnectMatrix.MostGpus);
                if (units < allocatable)
                {
                    Warn($"{allocatable} units of {GpuAnnotations.GpuResource}; only {units} are told apart and offered");
                }

                _sources["gpus"] = FactSource.Allocatable;
                _sources["links"] = FactSource.Label;
                _sources["mig"] = FactSource.Label;
                return Finish(model, Devices(units, memory), InterconnectMatrix.Unlinked(units), null, units, [], shareable: false, Domain());
            }

            var geometry = model?.Mig;
            var offered = MigAllocatable(geometry, out var anyMig);
            var (migGpus, layout) = (0, (ImmutableArray<ImmutableArray<MigPlacement>>?)null);
            if (anyMig && geometry is not null)
            {
                (migGpus, layout) = LayOut(geometry, offered, allocatable);
            }

            var counted = LabelNumber(CountLabel);
            var total = (int)Math.Min(Math.Max(Math.Max(counted, 0), (long)allocatable + migGpus), InterconnectMatrix.MostGpus);
            _sources["gpus"] = counted == total ? FactSource.Label : FactSource.Allocatable;
            _sources["mig"] = anyMig ? FactSource.Allocatable : FactSource.Assumed;
            var gpus = Devices(total, memory).ToBuilder();
            for (var i = 0; i < migGpus; i++)
            {
                var at = total - migGpus + i;
                gpus[at] = layout is { } known
                    ? gpus[at] with { Mig = MigMode.Fixed, Instances = [.. known[i].Select(p => new MigInstance(p, null))] }
                    : gpus[at] with { Mig = MigMode.OnDemand };
            }

            return Finish(model, gpus.ToImmutable(), LinksOf(model, total), geometry, allocatable, offered, shareable: true, Domain());
        }

        private NodeFacts Finish(GpuProduct? model, ImmutableArray<GpuInfo> gpus, InterconnectMatrix links, MigGeometry? geometry, int whole, ImmutableArray<int> mig, bool shareable, string? domain)
        {
            var wholeMask = 0UL;
            var migMask = 0UL;
            for (var i = 0; i < gpus.Length; i++)
            {
                if (gpus[i].Healthy && gpus[i].Mig == MigMode.Disabled)
                {
                    wholeMask |= 1UL << i;
                }
                else if (gpus[i].Healthy && geometry is not null)
                {
                    migMask |= 1UL << i;
                }
            }

            var plugins = Plugins(gpus, whole);
            return new NodeFacts(node.Name, _product, links)
            {
                Model = model,
                Gpus = gpus,
                Geometry = migMask == 0 ? null : geometry,
                AllocatableGpus = whole,
                AllocatableMig = mig,
                CpuMilli = node.Allocatable.TryGetValue("cpu", out var cpu) && Quantity.TryParseMilli(cpu, out var milli) ? milli : 0,
                MemoryBytes = node.Allocatable.TryGetValue("memory", out var memory) && Quantity.TryParseBytes(memory, out var bytes) ? bytes : 0,
                MostPods = node.Allocatable.TryGetValue(NodeObject.PodsResource, out var pods) && Quantity.TryParseCount(pods, out var most) ? most : null,
                WholeMask = wholeMask,
                MigMask = migMask,
                Shareable = shareable,
                Plugins = plugins,
                OffersWhole = OffersWhole || (UnitsPerGpu == 0 && Number(ShareDialects.VolcanoCount) == 0),
                MemoryUnitMiB = UnitsPerGpu == 0 ? 0 : UnitMiB(UnitsPerGpu),
                MemoryUnitsPerGpu = UnitsPerGpu,
                Labels = node.Labels,
                Taints = node.Taints,
                NvlinkDomain = domain,
                Sources = _sources,
                Warnings = [.. _warnings],
            };
        }

        /// <summary>True when the node has nvidia.com/gpu: without it, GPUs are handed out in parts only, if at all.</summary>
        private bool OffersWhole => node.Allocatable.ContainsKey(GpuAnnotations.GpuResource);

        /// <summary>True when nvidia.com/gpu counts MIG devices (single strategy) or time-slices.</summary>
        private bool CountsParts =>
            _product.Contains(MigInfix, StringComparison.Ordinal) || _product.EndsWith(SharedSuffix, StringComparison.Ordinal) || LabelNumber(ReplicasLabel) > 1;

        /// <summary>GPUs of a node on which only a sharing stack hands them out.</summary>
        private int SharedGpus() =>
            Number(ShareDialects.GpushareCount) is > 0 and var gpus ? gpus
            : Number(ShareDialects.VolcanoCount) > 0 ? Math.Max(0, LabelNumber(CountLabel))
            : 0;

        private DevicePlugins Plugins(ImmutableArray<GpuInfo> gpus, int whole)
        {
            var plugins = (UnitsPerGpu > 0 ? DevicePlugins.Gpushare : DevicePlugins.None)
                | (Number(ShareDialects.VolcanoCount) > 0 ? DevicePlugins.Volcano : DevicePlugins.None)
                | (OffersWhole && whole > gpus.Length && !CountsParts && gpus.Length > 0 ? DevicePlugins.Hami : DevicePlugins.None);
            if ((plugins & (DevicePlugins.Volcano | DevicePlugins.Hami)) != 0 && gpus.Any(g => g.Uuid is null))
            {
                Warn("the UUIDs of its GPUs are not known, by which the device plugin of HAMi or Volcano is told what to hand out: pods for it cannot be bound here; run the node agent");
            }

            // What Volcano's plugin cannot be told, it cannot hand out; HAMi's hands out whole GPUs, too, so that bind must say it of every pod.
            return gpus.Any(g => g.Uuid is null) ? plugins & ~DevicePlugins.Volcano : plugins;
        }

        /// <summary>Of aliyun.com/gpu-mem.</summary>
        private int UnitsPerGpu => Number(ShareDialects.GpushareCount) is > 0 and var gpus ? Number(ShareDialects.GpushareMemory) / gpus : 0;

        /// <summary>The plugin counts GiB, or MiB with --memory-unit=MiB: a GPU has more than 1024 MiB, and less than 1024 GiB.</summary>
        private static int UnitMiB(int unitsPerGpu) => unitsPerGpu > 1024 ? 1 : 1024;

        private int Number(string resource)
        {
            if (!node.Allocatable.TryGetValue(resource, out var text))
            {
                return 0;
            }

            if (Quantity.TryParseCount(text, out var count))
            {
                return count;
            }

            Warn($"allocatable {resource} \"{text}\" is not a count; taken as 0");
            return 0;
        }

        /// <summary>Once each: some facts are looked up several times.</summary>
        private void Warn(string warning)
        {
            if (!_warnings.Contains(warning))
            {
                _warnings.Add(warning);
            }
        }

        private int AllocatableGpus() => Number(GpuAnnotations.GpuResource);

        private int MemoryPerGpu(GpuProduct? model, out FactSource source)
        {
            if (LabelNumber(MemoryLabel) is > 0 and var mebibytes)
            {
                source = FactSource.Label;
                return mebibytes;
            }

            if (model is null && UnitsPerGpu > 0)
            {
                source = FactSource.Allocatable;
                return UnitsPerGpu * UnitMiB(UnitsPerGpu);
            }

            source = model is null ? FactSource.Assumed : FactSource.Catalogue;
            return model?.MemoryMiB ?? 0;
        }

        private int LabelNumber(string label)
        {
            if (!node.Labels.TryGetValue(label, out var text))
            {
                return -1;
            }

            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return number;
            }

            Warn($"label {label} \"{text}\" is not a number; not used");
            return -1;
        }

        private string? Domain(string? reported = null)
        {
            var said = !string.IsNullOrEmpty(reported);
            var clique = said ? reported : node.Labels.GetValueOrDefault(NetworkLevel.CliqueLabel);
            if (!NetworkLevel.NamesDomain(clique))
            {
                return null;
            }

            _sources["nvlinkDomain"] = said ? FactSource.Report : FactSource.Label;
            return clique;
        }

        private InterconnectMatrix LinksOf(GpuProduct? model, int gpus)
        {
            var known = model?.MachineWith(gpus);
            _sources["links"] = known is null ? FactSource.Assumed : FactSource.Catalogue;
            return known ?? InterconnectMatrix.Unlinked(gpus);
        }

        private ImmutableArray<int> MigAllocatable(MigGeometry? geometry, out bool any)
        {
            any = false;
            var counts = new int[geometry?.Profiles.Length ?? 0];
            foreach (var (resource, text) in node.Allocatable)
            {
                if (!resource.StartsWith(GpuAnnotations.MigResourcePrefix, StringComparison.Ordinal))
                {
                    continue;
                }

                if (!Quantity.TryParseCount(text, out var count))
                {
                    Warn($"allocatable {resource} \"{text}\" is not a count; taken as 0");
                }

                if (count == 0)
                {
                    continue;
                }

                var profile = geometry?.IndexOf(resource[GpuAnnotations.MigResourcePrefix.Length..]) ?? -1;
                if (profile < 0)
                {
                    Warn($"{resource} is offered, but \"{_product}\" has no such MIG profile in the catalogue; it is not used");
                    continue;
                }

                any = true;
                counts[profile] = (int)Math.Min((long)counts[profile] + count, int.MaxValue);
            }

            return [.. counts];
        }

        private ImmutableArray<int> MigCaps(MigGeometry geometry, ImmutableArray<GpuInfo> gpus)
        {
            var caps = MigAllocatable(geometry, out var any);
            if (any)
            {
                return caps;
            }

            // The device plugin says nothing (dynamic MIG): what exists, or what fits, is the limit.
            var counts = new int[geometry.Profiles.Length];
            foreach (var gpu in gpus)
            {
                for (var p = 0; p < counts.Length; p++)
                {
                    counts[p] += gpu.Mig switch
                    {
                        MigMode.OnDemand => geometry.Profiles[p].MaxInstances,
                        MigMode.Fixed => gpu.Instances.Count(i => geometry.IndexOf(i.Placement.Profile) == p),
                        _ => 0,
                    };
                }
            }

            return [.. counts];
        }

        private (int Gpus, ImmutableArray<ImmutableArray<MigPlacement>>? Layout) LayOut(MigGeometry geometry, ImmutableArray<int> counts, int wholeGpus)
        {
            // Numbers from the API may be absurd: long, so that none wraps round.
            var slices = 0L;
            var fewest = 1L;
            for (var p = 0; p < counts.Length; p++)
            {
                slices += (long)counts[p] * geometry.Profiles[p].MemorySlices;
                fewest = Math.Max(fewest, ((long)counts[p] + geometry.Profiles[p].MaxInstances - 1) / geometry.Profiles[p].MaxInstances);
            }

            // GFD counts all GPUs of the product; those not handed out whole are the ones in MIG mode.
            var known = LabelNumber(CountLabel) - wholeGpus;
            if (known > 0)
            {
                known = Math.Min(known, InterconnectMatrix.MostGpus);
                return (known, Cached(geometry, counts, known));
            }

            var likely = Math.Max(fewest, (slices + geometry.MemorySlices - 1) / geometry.MemorySlices);
            for (var most = Math.Min(likely + 2, InterconnectMatrix.MostGpus); likely <= most; likely++)
            {
                var gpus = (int)likely;
                if (Cached(geometry, counts, gpus) is { } layout)
                {
                    return (gpus, layout);
                }
            }

            return ((int)Math.Min(fewest, InterconnectMatrix.MostGpus), null);
        }

        private static ImmutableArray<ImmutableArray<MigPlacement>>? Cached(MigGeometry geometry, ImmutableArray<int> counts, int gpus) =>
            s_layouts.GetOrAdd((geometry, string.Join(',', counts), gpus), key => MigLayout.TryLayOut(geometry, counts.AsSpan(), key.Item3));

        private static ImmutableArray<GpuInfo> Devices(int count, int memoryMiB) =>
            [.. Enumerable.Range(0, count).Select(i => new GpuInfo { Index = i, MemoryMiB = memoryMiB })];
    }
}
