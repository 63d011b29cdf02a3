using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Core.Requests;

/// <summary>
/// Builds a <see cref="PodInfo"/> from the parts of a pod, whatever the wire they came on. It is the one place that knows what a
/// pod asks for. Not thread-safe; <see cref="Build"/> may be called once.
/// </summary>
/// <param name="dialects">The sharing dialects that are read; null for all.</param>
public sealed class PodInfoBuilder(DialectSet? dialects = null)
{
    private const int MostGpus = 64;

    private readonly DialectSet _dialects = dialects ?? DialectSet.All;
    private ContainerGpus[] _initGpus = [];
    private ContainerGpus[] _appGpus = [];
    private int _inits;
    private int _appContainers;
    private ShareWords? _words;
    private ShareDialect? _dialect;
    private bool _hasNativeGpus;
    private readonly Dictionary<string, string> _annotations = new(StringComparer.Ordinal);
    private GangFields? _gang;
    private List<string>? _gates;
    private bool _isOwned;
    private readonly ResourceTotals _apps = new();
    private readonly ResourceTotals _sidecars = new();
    private readonly ResourceTotals _initPeak = new();
    private string? _invalid;
    private DataNeeds? _data;

    /// <summary>Unique id.</summary>
    public string Uid { get; set; } = "";

    /// <summary>Namespace; "default" when it is never set, as the API server has it.</summary>
    public string Namespace { get; set; } = "default";

    /// <summary>Name.</summary>
    public string Name { get; set; } = "";

    /// <summary>spec.nodeName, empty or null while pending.</summary>
    public string? NodeName { get; set; }

    /// <summary>spec.schedulerName.</summary>
    public string SchedulerName { get; set; } = "";

    /// <summary>status.phase.</summary>
    public string Phase { get; set; } = "";

    /// <summary>spec.priority.</summary>
    public int Priority { get; set; }

    /// <summary>spec.preemptionPolicy.</summary>
    public string PreemptionPolicy { get; set; } = "";

    /// <summary>True once metadata.deletionTimestamp is set.</summary>
    public bool IsTerminating { get; set; }

    /// <summary>metadata.creationTimestamp; null when it is not known.</summary>
    public DateTimeOffset? Created { get; set; }

    /// <summary>What else it asks of a node; null when that is not known.</summary>
    public NodeDemands? Demands { get; set; }

    /// <summary>True when something was added that may declare a gang.</summary>
    public bool MayBeInGang => _gang is not null;

    /// <summary>The node of <see cref="GpuAnnotations.PlannedNode"/>; null when there is none.</summary>
    public string? PlannedNode => _annotations.GetValueOrDefault(GpuAnnotations.PlannedNode) is { Length: > 0 } node ? node : null;

    /// <summary>Adds the name of one of spec.schedulingGates.</summary>
    public void AddSchedulingGate(string name) => (_gates ??= []).Add(name);

    /// <summary>Adds a label; those that say nothing of a gang are ignored.</summary>
    public void AddLabel(string name, string value) => GangFields.Add(ref _gang, PodField.Label(name), value);

    /// <summary>Adds a reference of the pod's spec to a group: spec.schedulingGroup.podGroupName, or a field of spec.workloadRef.</summary>
    /// <param name="path">Path below spec, for example workloadRef.name.</param>
    /// <param name="value">The name found there.</param>
    public void AddGroupReference(string path, string value) => GangFields.Add(ref _gang, PodField.Spec(path), value);

    /// <summary>True for the paths below spec that <see cref="AddGroupReference"/> takes.</summary>
    public static bool ReadsGroupReference(string path) => GangFieldNames.Has(PodField.Spec(path));

    /// <summary>Sets the kind of the controller that owns the pod.</summary>
    public void SetController(string kind)
    {
        _isOwned = true;
        GangFields.Add(ref _gang, PodField.OwnerKind, kind);
    }

    /// <summary>Adds an annotation; those that neither have our prefix nor are of a gang or a sharing dialect are ignored.</summary>
    public void AddAnnotation(string name, string value)
    {
        GangFields.Add(ref _gang, PodField.Annotation(name), value);
        if (name.StartsWith(GpuAnnotations.Prefix, StringComparison.Ordinal) || (value.Length > 0 && ShareDialects.OfAnnotation(name) is { } dialect && _dialects.Reads(dialect)))
        {
            _annotations[name] = value;
        }
    }

    /// <summary>Adds an application container with its requests (limits stand in where a request is absent, as the API server has it).</summary>
    /// <param name="resources">What it requests; null for nothing that counts. It has its place among the containers all the same.</param>
    public void AddContainer(ContainerResources? resources)
    {
        var totals = Sum(resources);
        _apps.Add(totals);
        Place(ref _appGpus, _appContainers++, GpusOf(resources, totals));
    }

    /// <summary>
    /// Adds an init container, in order. Kubernetes' rule: what the pod needs is the larger of the sum over its application
    /// containers and sidecars, and each init container together with the sidecars started before it.
    /// </summary>
    /// <param name="resources">What it requests; null for nothing that counts.</param>
    /// <param name="isSidecar">True for restartPolicy: Always.</param>
    public void AddInitContainer(ContainerResources? resources, bool isSidecar)
    {
        var totals = Sum(resources);
        Place(ref _initGpus, _inits++, GpusOf(resources, totals) with { IsInit = true, Stays = isSidecar });
        if (isSidecar)
        {
            _sidecars.Add(totals);
            _initPeak.Max(_sidecars);
        }
        else
        {
            var peak = new ResourceTotals();
            peak.Add(_sidecars);
            peak.Add(totals);
            _initPeak.Max(peak);
        }
    }

    private ResourceTotals Sum(ContainerResources? resources)
    {
        if (resources is null)
        {
            return new ResourceTotals();
        }

        var totals = resources.Sum(_dialects);
        _invalid ??= resources.Invalid;
        _hasNativeGpus |= resources.Words is null && totals.Gpus > 0;
        if (resources.Words is { } words)
        {
            _words ??= words;
            if (_words.Dialect != words.Dialect)
            {
                _invalid ??= $"a pod asks in the words of one stack: {_words.AResource} is of {_words.Dialect} and {words.AResource} of {words.Dialect}; keep one";
            }
        }

        return totals;
    }

    /// <summary>Adds spec.overhead.</summary>
    public void AddOverhead(ContainerResources overhead)
    {
        ArgumentNullException.ThrowIfNull(overhead);
        var totals = overhead.Sum(_dialects);
        OverheadCpuMilli = totals.CpuMilli;
        OverheadMemoryBytes = totals.MemoryBytes;
        _invalid ??= overhead.Invalid;
    }

    private long OverheadCpuMilli { get; set; }

    private long OverheadMemoryBytes { get; set; }

    /// <summary>The finished pod. A request that cannot be understood is no exception: it is said in <see cref="PodInfo.Invalid"/>.</summary>
    public PodInfo Build()
    {
        _apps.Add(_sidecars);
        _apps.Max(_initPeak);

        var request = GpuRequest.None;
        var invalid = _invalid;
        if (invalid is null && !TryBuildRequest(out request, out invalid))
        {
            request = GpuRequest.None;
        }

        DeviceAssignment? assignment = null;
        string? assignmentError = null;
        if (_annotations.TryGetValue(GpuAnnotations.AssignedDevices, out var assigned)
            && !DeviceAssignment.TryParse(assigned, out assignment, out var why))
        {
            assignmentError = Explain(GpuAnnotations.AssignedDevices, assigned, why);
        }

        var isBound = !string.IsNullOrEmpty(NodeName);
        return new PodInfo
        {
            Uid = Uid,
            Namespace = Namespace,
            Name = Name,
            Request = request,
            Invalid = invalid,
            Data = _data,
            CpuMilli = Saturate(_apps.CpuMilli, OverheadCpuMilli),
            MemoryBytes = Saturate(_apps.MemoryBytes, OverheadMemoryBytes),
            Created = Created,
            Priority = Priority,
            NeverPreempts = PreemptionPolicy == "Never",
            SchedulerName = SchedulerName,
            NodeName = isBound ? NodeName : null,
            IsTerminating = IsTerminating,
            SchedulingGates = _gates is null ? [] : [.. _gates],
            Gang = _gang is null ? null : GangReader.Read(Namespace, _gang, _isOwned),
            PlannedNode = PlannedNode,
            Demands = Demands,
            IsTerminal = Phase is "Succeeded" or "Failed",
            Assignment = assignment,
            AssignmentError = assignmentError,
            Dialect = invalid is null ? _dialect : null,
            Containers = !isBound ? Containers() : [],
            PeerAssignment = isBound && assignment is null && assignmentError is null ? PeerAssignment.Read(_annotations, NodeName!, request) : null,
        };
    }

    /// <summary>What the container is given; a whole GPU is all of its memory and compute.</summary>
    private static ContainerGpus GpusOf(ContainerResources? resources, ResourceTotals totals) =>
        resources?.Words is { } words ? words.Container : new ContainerGpus((int)Math.Min(totals.Gpus, int.MaxValue), 0, SharePacking.WholeCard, 100);

    /// <summary>Puts what a container is given in its place; most have nothing to put.</summary>
    private static void Place(ref ContainerGpus[] gpus, int position, ContainerGpus container)
    {
        if (container.Count > 0)
        {
            Array.Resize(ref gpus, position + 1);
            gpus[position] = container;
        }
    }

    private ImmutableArray<ContainerGpus> Containers()
    {
        if (_initGpus.Length + _appGpus.Length == 0)
        {
            return [];
        }

        if (_inits > 0 || _appGpus.Length < _appContainers)
        {
            var all = new ContainerGpus[_inits + _appContainers];
            _initGpus.CopyTo(all, 0);
            _appGpus.CopyTo(all, _inits);
            return ImmutableCollectionsMarshal.AsImmutableArray(all);
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(_appGpus);
    }

    private static long Saturate(long a, long b) => long.MaxValue - a < b ? long.MaxValue : a + b;

    private bool TryBuildRequest(out GpuRequest request, out string? invalid)
    {
        request = GpuRequest.None;
        invalid = null;

        var mig = ImmutableArray<MigRequest>.Empty;
        if (_apps.Mig is { Count: > 0 } byProfile)
        {
            mig = [.. byProfile.Where(p => p.Value > 0).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => new MigRequest(p.Key, (int)Math.Min(p.Value, int.MaxValue)))];
        }

        var memory = 0;
        var milli = 0;
        var count = 0;
        var minMemory = 0;
        var models = ImmutableArray<string>.Empty;
        var nvlink = NvlinkRequirement.Unspecified;

        foreach (var (name, value) in _annotations)
        {
            switch (name)
            {
                case GpuAnnotations.GpuMemory:
                    if (!TryMemory(name, value, out memory, out invalid))
                    {
                        return false;
                    }

                    break;
                case GpuAnnotations.MinGpuMemory:
                    if (!TryMemory(name, value, out minMemory, out invalid))
                    {
                        return false;
                    }

                    break;
                case GpuAnnotations.GpuMilli:
                    if (!FieldValue.TryInteger(value, 1, 1000, out milli))
                    {
                        invalid = Explain(name, value, "a whole number from 1 to 1000 (1000 is one whole GPU) is allowed");
                        return false;
                    }

                    break;
                case GpuAnnotations.GpuCount:
                    if (!FieldValue.TryInteger(value, 1, MostGpus, out count))
                    {
                        invalid = Explain(name, value, $"a whole number from 1 to {MostGpus} is allowed");
                        return false;
                    }

                    break;
                case GpuAnnotations.GpuModel:
                    models = [.. value.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
                    if (models.IsEmpty || value.Count(c => c == '|') != models.Length - 1)
                    {
                        invalid = Explain(name, value, "one or more model names separated by '|' are allowed, for example A100|H100");
                        return false;
                    }

                    break;
                case GpuAnnotations.Nvlink:
                    if (!TryNvlink(value, out nvlink))
                    {
                        invalid = Explain(name, value, "required, preferred or none is allowed");
                        return false;
                    }

                    break;
                case GpuAnnotations.Data:
                    if (!DataNeeds.TryParse(value, out _data, out var why))
                    {
                        invalid = Explain(name, value, why);
                        return false;
                    }

                    break;
                default:
                    // Ours in prefix, but not part of a request (what bind wrote, or a later version's words).
                    break;
            }
        }

        var whole = (int)Math.Min(_apps.Gpus, int.MaxValue);
        var shares = memory > 0 || milli > 0;
        if (count > 0 && !shares)
        {
            invalid = Explain(GpuAnnotations.GpuCount, _annotations[GpuAnnotations.GpuCount], $"it goes with {GpuAnnotations.GpuMemory} or {GpuAnnotations.GpuMilli}; whole GPUs are asked for with {GpuAnnotations.GpuResource}");
            return false;
        }

        if (shares && (whole > 0 || !mig.IsEmpty))
        {
            var name = memory > 0 ? GpuAnnotations.GpuMemory : GpuAnnotations.GpuMilli;
            invalid = Explain(name, _annotations[name], $"a pod shares GPUs or asks for {(whole > 0 ? GpuAnnotations.GpuResource : "MIG devices")}, not both: remove one of them");
            return false;
        }

        if (!TryReadDialect(shares, whole, !mig.IsEmpty, out var amounts, out invalid))
        {
            return false;
        }

        if (nvlink == NvlinkRequirement.Required && !mig.IsEmpty)
        {
            invalid = Explain(GpuAnnotations.Nvlink, _annotations[GpuAnnotations.Nvlink], "MIG devices have no NVLink; preferred or none is allowed with them");
            return false;
        }

        request = new GpuRequest
        {
            WholeGpus = whole,
            Mig = mig,
            ShareCount = shares ? Math.Max(count, 1) : amounts?.Count ?? 0,
            ShareMemoryMiB = shares ? memory : (int)(amounts?.MemoryMiB ?? 0),
            ShareMemoryPermille = (int)(amounts?.MemoryPermille ?? 0),
            ShareMemoryUnits = (int)(amounts?.Units ?? 0),
            ShareMilli = shares ? milli : (int)(amounts?.Milli ?? 0),
            Plugin = amounts is not null || _words?.Dialect == ShareDialects.Volcano ? _dialect!.Plugin : DevicePlugins.None,
            Models = models,
            MinGpuMemoryMiB = minMemory,
            Nvlink = nvlink,
        };
        if (!request.WantsGpu)
        {
            request = GpuRequest.None;
            return true;
        }

        if (!DialectAnnotations.TryLimit(_annotations, ref request, out invalid))
        {
            request = GpuRequest.None;
            return false;
        }

        return true;
    }

    /// <summary>The shares asked for in the words of a dialect; null when none are. At most one stack may be asked.</summary>
    private bool TryReadDialect(bool sharesInOurWords, int whole, bool wantsMig, out ShareAmounts? amounts, [NotNullWhen(false)] out string? invalid)
    {
        if (!DialectAnnotations.TryReadKai(_annotations, MostGpus, out amounts, out invalid))
        {
            return false;
        }

        var kaiAnnotation = amounts?.MemoryMiB > 0 ? ShareDialects.KaiMemory : ShareDialects.KaiFraction;
        _dialect = amounts is not null ? ShareDialects.Kai : _words?.Dialect;
        if (_dialect is null)
        {
            return true;
        }

        var said = _words is null ? "annotation " + kaiAnnotation : "resource " + _words.AResource;
        if (amounts is not null && _words is not null)
        {
            invalid = $"a pod asks in the words of one stack: annotation {kaiAnnotation} is of {ShareDialects.Kai} and {said} of {_words.Dialect}; keep one";
            return false;
        }

        amounts ??= _apps.Shares;
        if (sharesInOurWords)
        {
            invalid = $"{said} asks in the words of {_dialect}, and annotation {(_annotations.ContainsKey(GpuAnnotations.GpuMemory) ? GpuAnnotations.GpuMemory : GpuAnnotations.GpuMilli)} in ours: keep one";
        }
        else if (amounts is not null && (whole > 0 || wantsMig))
        {
            invalid = $"{said} asks for a share of GPUs, and the pod also asks for {(whole > 0 ? "whole ones" : "MIG devices")}: give them a pod of their own";
        }
        else if (_dialect != ShareDialects.Hami && _hasNativeGpus)
        {
            invalid = $"{said} is of {_dialect}, and the pod also asks for {GpuAnnotations.GpuResource}: keep one";
        }
        else if (amounts?.Milli > SharePacking.WholeCard || amounts?.MemoryPermille > SharePacking.WholeCard)
        {
            invalid = $"{said}: the containers of a pod use the same GPUs, and ask for {Math.Max(amounts.Milli, amounts.MemoryPermille) / 10} percent of them together: 100 is allowed";
        }
        else if (amounts?.MemoryMiB > int.MaxValue || amounts?.Units > int.MaxValue)
        {
            invalid = $"{said}: the containers of the pod ask for more than {int.MaxValue} together";
        }

        return invalid is null;
    }

    private static bool TryMemory(string name, string value, out int mebibytes, [NotNullWhen(false)] out string? invalid)
    {
        const long MiB = 1024 * 1024;
        mebibytes = 0;
        invalid = null;
        if (!Quantity.TryParse(value, out var bytes))
        {
            invalid = Explain(name, value, Quantity.Grammar + " is allowed");
            return false;
        }

        if (bytes < MiB)
        {
            invalid = Explain(name, value, bytes is > 0 && decimal.Truncate(bytes) == bytes
                ? $"that is {bytes.ToString(CultureInfo.InvariantCulture)} bytes and at least 1Mi is allowed; was {bytes.ToString(CultureInfo.InvariantCulture)}Mi meant?"
                : "at least 1Mi is allowed");
            return false;
        }

        var rounded = decimal.Ceiling(bytes / MiB);
        if (rounded > int.MaxValue)
        {
            invalid = Explain(name, value, $"at most {int.MaxValue}Mi is allowed");
            return false;
        }

        mebibytes = (int)rounded;
        return true;
    }

    private static bool TryNvlink(string value, out NvlinkRequirement nvlink)
    {
        (nvlink, var known) = value switch
        {
            "required" => (NvlinkRequirement.Required, true),
            "preferred" => (NvlinkRequirement.Preferred, true),
            "none" => (NvlinkRequirement.None, true),
            _ => (NvlinkRequirement.Unspecified, false),
        };
        return known;
    }

    private static string Explain(string name, string value, string allowed) => FieldValue.CannotBeUsed("annotation " + name, value, allowed);
}
