using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// Decides what to believe of a node: each fact is what the strongest source says that states it (<see cref="FactSource"/>), and keeps
/// its source. README.md in this folder has the table.
/// </summary>
public static class NodeFactsBuilder
{
    private const string ProductLabel = "nvidia.com/gpu.product";
    private const string CountLabel = "nvidia.com/gpu.count";
    private const string MemoryLabel = "nvidia.com/gpu.memory";
    private const string ReplicasLabel = "nvidia.com/gpu.replicas";
    private const string SharedSuffix = "-SHARED";
    private const string MigInfix = "-MIG-";

    /// <summary>Most layouts that are remembered.</summary>
    private const int MostLayouts = 4096;

    private static readonly BoundedMemo<(MigGeometry Geometry, string Counts, int Gpus), ImmutableArray<ImmutableArray<MigPlacement>>?> s_layouts = new(
        static key => MigLayout.TryLayOut(key.Geometry, Array.ConvertAll(key.Counts.Split(','), c => int.Parse(c, CultureInfo.InvariantCulture)), key.Gpus), MostLayouts);

    /// <summary>Combines a node with its report, if it has one, and with what other sources say of it.</summary>
    /// <param name="node">The node; what its annotations say is among the sources.</param>
    /// <param name="report">Its report, or null.</param>
    /// <param name="statements">What is said of it elsewhere, in any order, each source once; null for nothing.</param>
    public static NodeFacts Build(NodeObject node, NodeReport? report, IEnumerable<NodeStatement>? statements = null) => Build(node, report, statements, isTemplate: false);

    /// <summary>As <see cref="Build(NodeObject, NodeReport, IEnumerable{NodeStatement})"/>, of a node that nobody has: nothing of it is remembered.</summary>
    internal static NodeFacts BuildTemplate(NodeObject node) => Build(node, null, null, isTemplate: true);

    private static NodeFacts Build(NodeObject node, NodeReport? report, IEnumerable<NodeStatement>? statements, bool isTemplate)
    {
        ArgumentNullException.ThrowIfNull(node);
        var all = new List<NodeStatement>(statements ?? []);
        if (report is not null)
        {
            all.Add(NodeStatement.Of(report));
        }

        if (node.Statement is { } annotated)
        {
            all.Add(annotated);
        }

        all.Sort((a, b) => b.Source.CompareTo(a.Source));
        return new Draft(node, report, all, isTemplate).Build();
    }

    private sealed class Draft(NodeObject node, NodeReport? report, List<NodeStatement> statements, bool isTemplate)
    {
        private readonly Dictionary<string, FactSource> _sources = new(StringComparer.Ordinal);
        private readonly List<string> _warnings = [];
        private readonly string _label = node.Labels.GetValueOrDefault(ProductLabel, "");
        private string _product = "";

        public NodeFacts Build()
        {
            for (var i = 0; i < statements.Count; i++)
            {
                statements[i] = Usable(statements[i]);
            }

            _product = Product();
            var model = GpuCatalogue.Find(_product);
            var listed = statements.Find(s => s.ListsGpus);
            var countsUnits = CountsUnits();
            if (countsUnits && listed?.Source != FactSource.Report)
            {
                return Units(listed);
            }

            var whole = OffersWhole ? AllocatableGpus() : listed is null ? SharedGpus() : 0;
            var geometry = model?.Mig;
            var offered = MigAllocatable(geometry, out var anyMig);
            var cutIsSaid = statements.Exists(s => s.Gpus.Any(g => g.Mig is not null));
            var (migGpus, layout) = anyMig && geometry is not null && !cutIsSaid ? LayOut(geometry, offered, whole) : (0, null);
            ImmutableArray<GpuStatement> said = listed?.Gpus ?? [.. Enumerable.Range(0, Counted(whole, migGpus)).Select(i => new GpuStatement { Number = i })];
            if (listed is not null)
            {
                _sources["gpus"] = listed.Source;
            }

            ImmutableArray<StatementView> views = [.. statements.Where(s => s.ListsGpus).Select(s => new StatementView(s, said))];
            var gpus = Merge(said, views, model, geometry);
            if (!cutIsSaid)
            {
                _sources["mig"] = anyMig ? FactSource.Allocatable : FactSource.Assumed;
                gpus = Cut(gpus, Math.Min(migGpus, gpus.Length), layout);
            }

            if (!views.IsEmpty)
            {
                SourceContradictions.Find(views, gpus, _product, countsUnits ? -1 : LabelNumber(CountLabel), countsUnits ? -1 : LabelNumber(MemoryLabel), _label, Warn);
            }

            gpus = Cordon(gpus);
            var links = Links(views, model, gpus.Length);
            if (listed is null)
            {
                return Finish(model, gpus, links, geometry, whole, offered, shareable: true);
            }

            if (geometry is null && gpus.Any(g => g.Mig != MigMode.Disabled))
            {
                Warn($"GPUs in MIG mode, but the MIG profiles of \"{_product}\" are not known; their devices are not offered");
            }

            var handedOut = OffersWhole ? whole : gpus.Count(g => g.Mig == MigMode.Disabled);
            return Finish(model, gpus, links, geometry, handedOut, geometry is null ? [] : anyMig ? offered : MigCaps(geometry, gpus), shareable: true);
        }

        private NodeStatement Usable(NodeStatement statement)
        {
            foreach (var warning in statement.Warnings)
            {
                Warn(warning);
            }

            foreach (var matrix in new[] { statement.Nvlink, statement.Pcie })
            {
                if (matrix is not null && matrix.GpuCount != statement.Gpus.Length)
                {
                    Warn($"the link matrix of {statement.Source.InWords()} is for {matrix.GpuCount} GPUs, and {statement.Gpus.Length} are listed; it is not used");
                }
            }

            if (statement.Gpus.Length <= InterconnectMatrix.MostGpus)
            {
                return statement;
            }

            Warn($"by {statement.Source.InWords()} there are {statement.Gpus.Length} GPUs; only the first {InterconnectMatrix.MostGpus} are used");
            return statement with { Gpus = statement.Gpus[..InterconnectMatrix.MostGpus] };
        }

        /// <summary>True where nvidia.com/gpu counts MIG devices (single strategy) or time-slices, as the labels say.</summary>
        private bool CountsUnits() =>
            _label.Contains(MigInfix, StringComparison.Ordinal) || _label.EndsWith(SharedSuffix, StringComparison.Ordinal) || LabelNumber(ReplicasLabel) > 1;

        /// <summary>Units without links, told apart by number only: no source but a report says which unit lies on which GPU.</summary>
        private NodeFacts Units(NodeStatement? listed)
        {
            if (listed is not null)
            {
                Warn($"by the labels {GpuAnnotations.GpuResource} counts MIG devices or time-slices: the GPUs of {listed.Source.InWords()} are not used");
            }

            if (_label.Length > 0)
            {
                (_product, _sources["product"]) = (_label, FactSource.Label);
            }

            var model = GpuCatalogue.Find(_product);
            var allocatable = OffersWhole ? AllocatableGpus() : SharedGpus();
            var units = Math.Min(allocatable, InterconnectMatrix.MostGpus);
            if (units < allocatable)
            {
                Warn($"{allocatable} units of {GpuAnnotations.GpuResource}; only {units} are told apart and offered");
            }

            _sources["gpus"] = FactSource.Allocatable;
            _sources["links"] = _sources["pcie"] = _sources["mig"] = FactSource.Label;
            ImmutableArray<GpuStatement> said = [.. Enumerable.Range(0, units).Select(i => new GpuStatement { Number = i })];
            return Finish(model, Cordon(Merge(said, [], model, null)), InterconnectMatrix.Unlinked(units), null, units, [], shareable: false);
        }

        /// <summary>How many GPUs there are by labels and allocatable.</summary>
        private int Counted(int whole, int migGpus)
        {
            var counted = LabelNumber(CountLabel);
            var total = (int)Math.Min(Math.Max(Math.Max(counted, 0), (long)whole + migGpus), InterconnectMatrix.MostGpus);
            _sources["gpus"] = counted == total ? FactSource.Label : FactSource.Allocatable;
            return total;
        }

        private string Product()
        {
            foreach (var statement in statements)
            {
                var products = statement.Gpus.Select(g => g.Product).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
                if (products.Count > 0)
                {
                    if (products.Count > 1)
                    {
                        Warn($"by {statement.Source.InWords()} the GPUs are of {products.Count} products; all are taken for {products[0]}");
                    }

                    _sources["product"] = statement.Source;
                    return products[0];
                }
            }

            _sources["product"] = _label.Length > 0 ? FactSource.Label : FactSource.Assumed;
            return _label;
        }

        /// <summary>
        /// Each fact of each GPU from the strongest source that states it. A fact's source is the weakest that a GPU needed; of health
        /// only those that speak count.
        /// </summary>
        private ImmutableArray<GpuInfo> Merge(ImmutableArray<GpuStatement> said, ImmutableArray<StatementView> views, GpuProduct? model, MigGeometry? geometry)
        {
            var otherMemory = MemoryPerGpu(model, out var otherMemorySource);
            FactSource? memory = null, health = null, mig = null, numa = null, bus = null;
            var gpus = ImmutableArray.CreateBuilder<GpuInfo>(said.Length);
            for (var i = 0; i < said.Length; i++)
            {
                var sized = First(views, i, g => g.MemoryMiB > 0, ref memory, otherMemorySource);
                var judged = First(views, i, g => g.Healthy is not null, ref health, null);
                var cut = First(views, i, g => g.Mig is not null, ref mig, FactSource.Assumed);
                gpus.Add(new GpuInfo
                {
                    Index = i,
                    Uuid = said[i].Uuid,
                    MemoryMiB = sized?.MemoryMiB ?? otherMemory,
                    Healthy = judged?.Healthy ?? true,
                    HealthReason = judged is { Healthy: false } ? judged.HealthReason : null,
                    NumaNode = First(views, i, g => g.NumaNode >= 0, ref numa, null)?.NumaNode ?? -1,
                    PciBusId = First(views, i, g => g.PciBusId is not null, ref bus, null)?.PciBusId,
                    Mig = cut?.Mig ?? MigMode.Disabled,
                    Instances = cut is null ? [] : Named(cut.Instances, geometry),
                });
            }

            _sources["memory"] = memory ?? otherMemorySource;
            _sources["health"] = health ?? FactSource.Assumed;
            _sources.TryAdd("mig", mig ?? FactSource.Assumed);
            Add("numa", numa);
            Add("pciBusId", bus);
            return gpus.MoveToImmutable();

            void Add(string fact, FactSource? source)
            {
                if (source is { } known)
                {
                    _sources[fact] = known;
                }
            }
        }

        private static GpuStatement? First(ImmutableArray<StatementView> views, int gpu, Func<GpuStatement, bool> states, ref FactSource? weakest, FactSource? otherwise)
        {
            foreach (var view in views)
            {
                if (view[gpu] is { } said && states(said))
                {
                    Weaken(ref weakest, view.Statement.Source);
                    return said;
                }
            }

            Weaken(ref weakest, otherwise);
            return null;

            static void Weaken(ref FactSource? weakest, FactSource? source) => weakest = weakest is null || source < weakest ? source ?? weakest : weakest;
        }

        /// <summary>MIG devices under the catalogue's names of their profiles, since drivers name one profile differently.</summary>
        private static ImmutableArray<MigInstance> Named(ImmutableArray<MigInstance> instances, MigGeometry? geometry) =>
        [
            .. instances.Select(instance => geometry?.IndexOf(instance.Placement) is >= 0 and var profile
                ? instance with { Placement = instance.Placement with { Profile = geometry.Profiles[profile].Name } }
                : instance),
        ];

        /// <summary>The last GPUs cut into the MIG devices that the node hands out, for nodes that do not say which are.</summary>
        private static ImmutableArray<GpuInfo> Cut(ImmutableArray<GpuInfo> gpus, int count, ImmutableArray<ImmutableArray<MigPlacement>>? layout)
        {
            var builder = gpus.ToBuilder();
            for (var i = 0; i < count; i++)
            {
                var at = gpus.Length - count + i;
                builder[at] = layout is { } known
                    ? builder[at] with { Mig = MigMode.Fixed, Instances = [.. known[i].Select(p => new MigInstance(p, null))] }
                    : builder[at] with { Mig = MigMode.OnDemand };
            }

            return builder.ToImmutable();
        }

        private ImmutableArray<GpuInfo> Cordon(ImmutableArray<GpuInfo> gpus)
        {
            foreach (var statement in statements)
            {
                foreach (var uuid in statement.Cordoned)
                {
                    var at = gpus.Select(g => g.Uuid).ToList().IndexOf(uuid);
                    if (at < 0)
                    {
                        Warn($"{uuid} is cordoned by {statement.Source.InWords()}, and no source says which GPU of the node that is; none is kept back for it");
                    }
                    else if (gpus[at].Healthy)
                    {
                        gpus = gpus.SetItem(at, gpus[at] with { Healthy = false, HealthReason = $"cordoned by {statement.Source.InWords()}" });
                    }
                }
            }

            return gpus;
        }

        /// <summary>The two layers each from the strongest source that states it, else from the catalogue.</summary>
        private InterconnectMatrix Links(ImmutableArray<StatementView> views, GpuProduct? model, int gpus)
        {
            var known = model?.MachineWith(gpus);
            _sources["links"] = _sources["pcie"] = known is null ? FactSource.Assumed : FactSource.Catalogue;
            int[]? nvlink = null;
            PcieLevel[]? pcie = null;
            foreach (var view in views)
            {
                if (nvlink is null && (nvlink = view.Layer(view.Statement.Nvlink, static (m, a, b) => m.NvlinkMBps(a, b))) is not null)
                {
                    _sources["links"] = view.Statement.Source;
                }

                if (pcie is null && (pcie = view.Layer(view.Statement.Pcie, static (m, a, b) => m.Pcie(a, b))) is not null)
                {
                    _sources["pcie"] = view.Statement.Source;
                }
            }

            var other = known ?? InterconnectMatrix.Unlinked(gpus);
            return nvlink is null && pcie is null ? other : other.With(nvlink, pcie);
        }

        private NodeFacts Finish(GpuProduct? model, ImmutableArray<GpuInfo> gpus, InterconnectMatrix links, MigGeometry? geometry, int whole, ImmutableArray<int> mig, bool shareable)
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

            return new NodeFacts(node.Name, _product, links, isTemplate)
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
                Plugins = Plugins(gpus, whole),
                OffersWhole = OffersWhole || (UnitsPerGpu == 0 && Number(ShareDialects.VolcanoCount) == 0),
                MemoryUnitMiB = UnitsPerGpu == 0 ? 0 : UnitMiB(UnitsPerGpu),
                MemoryUnitsPerGpu = UnitsPerGpu,
                Labels = node.Labels,
                Taints = node.Taints,
                NvlinkDomain = Domain(),
                Data = DataReach.Read(node, report, Warn),
                Sources = _sources,
                Warnings = [.. _warnings],
            };
        }

        /// <summary>True when the node has nvidia.com/gpu: without it, GPUs are handed out in parts only, if at all.</summary>
        private bool OffersWhole => node.Allocatable.ContainsKey(GpuAnnotations.GpuResource);

        /// <summary>GPUs of a node on which only a sharing stack hands them out.</summary>
        private int SharedGpus() =>
            Number(ShareDialects.GpushareCount) is > 0 and var gpus ? gpus
            : Number(ShareDialects.VolcanoCount) > 0 ? Math.Max(0, LabelNumber(CountLabel))
            : 0;

        private DevicePlugins Plugins(ImmutableArray<GpuInfo> gpus, int whole)
        {
            var plugins = (UnitsPerGpu > 0 ? DevicePlugins.Gpushare : DevicePlugins.None)
                | (Number(ShareDialects.VolcanoCount) > 0 ? DevicePlugins.Volcano : DevicePlugins.None)
                | (OffersWhole && whole > gpus.Length && !CountsUnits() && gpus.Length > 0 ? DevicePlugins.Hami : DevicePlugins.None);
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

        private string? Domain()
        {
            var said = statements.Find(s => !string.IsNullOrEmpty(s.NvlinkDomain));
            var clique = said?.NvlinkDomain ?? node.Labels.GetValueOrDefault(NetworkLevel.CliqueLabel);
            if (!NetworkLevel.NamesDomain(clique))
            {
                return null;
            }

            _sources["nvlinkDomain"] = said?.Source ?? FactSource.Label;
            return clique;
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

        private static ImmutableArray<int> MigCaps(MigGeometry geometry, ImmutableArray<GpuInfo> gpus)
        {
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
            s_layouts[(geometry, string.Join(',', counts), gpus)];
    }
}
