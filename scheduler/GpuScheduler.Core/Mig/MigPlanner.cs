using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Mig;

/// <summary>Turns pending pods and the nodes of a cluster into a <see cref="MigProblem"/>, and its answer into changes of nodes.</summary>
/// <remarks>
/// Pods with one MIG device are planned for. What is free already serves first: on nodes cut into fixed devices, on GPUs where devices are
/// made on demand (what fits beside those in use), and on nodes that are being changed what they will have. Only nodes on which no pod
/// has anything of a GPU may be changed: mig-manager stops the device plugin of the whole node, and fails while a device is in use.
/// </remarks>
internal sealed class MigPlanner
{
    private readonly ImmutableArray<MigConfig> _configs;
    private readonly List<(PodInfo Pod, int Demand)> _pods = [];
    private readonly List<MigDemand> _demands = [];
    private readonly List<MigRequestKind> _kinds = [];
    private readonly Dictionary<string, (int Slot, ImmutableArray<int> Serves)> _slots = new(StringComparer.Ordinal);
    private readonly Dictionary<string, UnitClass> _classes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ImmutableArray<ImmutableArray<int>>> _patterns = new(StringComparer.Ordinal);

    /// <param name="configs">The configurations that may be asked for.</param>
    /// <param name="pods">The pods without a place; of each kind the first are served first.</param>
    /// <param name="geometries">The geometries that there are, by which memory slices are counted.</param>
    public MigPlanner(ImmutableArray<MigConfig> configs, IEnumerable<PodInfo> pods, IReadOnlyCollection<MigGeometry> geometries)
    {
        _configs = configs;
        var list = pods.Where(IsPlannedFor).ToList();
        var ranks = list.Select(p => p.Priority).Distinct().Order().ToList();
        var known = new Dictionary<MigRequestKind, int>();
        foreach (var pod in list)
        {
            var kind = new MigRequestKind(pod.Request, pod.Priority, pod.CpuMilli, pod.MemoryBytes, pod.Demands);
            if (!known.TryGetValue(kind, out var index))
            {
                known[kind] = index = _kinds.Count;
                _kinds.Add(kind);
                _demands.Add(new MigDemand(kind.Profile, 0, SlicesOf(kind.Profile, geometries) * (1L + ranks.IndexOf(pod.Priority))));
            }

            _demands[index] = _demands[index] with { Count = _demands[index].Count + 1 };
            _pods.Add((pod, index));
        }
    }

    /// <summary>True for pods that ask for one MIG device, by themselves: for others no node is changed.</summary>
    public static bool IsPlannedFor(PodInfo pod) =>
        pod.Request.Mig is [{ Count: 1 }] && pod.Invalid is null && pod.Gang is null && pod.NodeName is null && !pod.IsTerminating && pod.SchedulingGates.IsEmpty;

    /// <summary>True when nobody asks for anything.</summary>
    public bool IsIdle => _pods.Count == 0;

    /// <summary>Adds a node as it is.</summary>
    /// <param name="node">The node.</param>
    /// <param name="mayChange">Which configurations it may get; null for none.</param>
    public void Add(NodeInfo node, Func<MigConfig, bool>? mayChange)
    {
        if (node.Facts.Model?.Mig is not { } geometry || node.Facts.Closed is not null)
        {
            return;
        }

        var serves = ServedOn(node, geometry);
        if (serves.All(s => s.IsEmpty))
        {
            return;
        }

        AddOnDemand(node, geometry, serves);
        var keep = FreeFixed(node, geometry);
        var options = new List<(MigConfig? Config, int[] Supply, int Disturbed)> { (null, keep, 0) };
        if (mayChange is not null && IsChangeable(node))
        {
            foreach (var config in _configs)
            {
                if (config.Name != node.Facts.Labels.GetValueOrDefault(MigLabels.Config) && mayChange(config) && config.TryApply(node.Facts, out var target, out _) && target.ChangesOn(node.Facts) is > 0 and var disturbed)
                {
                    options.Add((config, [.. target.Total], disturbed));
                }
            }
        }

        Put(node.Facts.Name, geometry, serves, options);
    }

    /// <summary>Adds a node that is being changed, by what it will have.</summary>
    public void AddChanging(NodeInfo node, MigTarget target) =>
        Put(node.Facts.Name, target.Geometry, ServedOn(node, target.Geometry), [(null, [.. target.Total], 0)]);

    /// <summary>Adds a node that is about to be opened again, by what it has.</summary>
    public void AddOpening(NodeInfo node)
    {
        if (node.Facts.Model?.Mig is { } geometry)
        {
            Put(node.Facts.Name, geometry, ServedOn(node, geometry), [(null, FreeFixed(node, geometry), 0)]);
        }
    }

    /// <summary>Solves.</summary>
    public MigClusterPlan Solve(IMigSolver solver, SolveLimit limit, int mostChanges)
    {
        var slots = _slots.Values.OrderBy(s => s.Slot).Select(s => s.Serves).ToImmutableArray();
        var classes = _classes.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => c.Value).ToList();
        var problem = new MigProblem
        {
            Demands = [.. _demands],
            Slots = slots,
            Units = [.. classes.Select(c => new MigUnits(c.Count, [.. c.Options.Select(o => new MigOption(o.Config?.Name ?? "", Widen(o.Supply, slots.Length), o.Disturbed))]))],
            MostChanges = mostChanges,
        };
        var plan = solver.Repack(problem, limit);
        var changes = new List<MigNodeChange>();
        for (var c = 0; c < classes.Count; c++)
        {
            // Units are alike, so that any will do: the changed ones are taken from the front.
            var next = 0;
            for (var o = 0; o < classes[c].Options.Count; o++)
            {
                var option = classes[c].Options[o];
                for (var n = 0; n < plan.Chosen[c][o] && option.Config is not null; n++)
                {
                    changes.Add(new MigNodeChange(classes[c].Nodes[next++], option.Config, option.Disturbed));
                }
            }
        }

        var left = plan.Served.ToArray();
        return new MigClusterPlan([.. changes], [.. _pods.Where(p => left[p.Demand]-- > 0).Select(p => p.Pod)], problem, plan);
    }

    /// <summary>True for a node of which nobody has anything, which is well, and which mig-manager is not at, and has not failed on.</summary>
    private static bool IsChangeable(NodeInfo node)
    {
        var facts = node.Facts;
        return facts.Labels.GetValueOrDefault(MigLabels.Dynamic) == "true"
            && facts.Labels.GetValueOrDefault(MigLabels.State) is null or MigLabels.Success
            && facts.Closed is null && facts.Shareable && !node.HasConflict && facts.Gpus.Length > 0
            && facts.Gpus.All(g => g.Healthy && g.Mig != MigMode.OnDemand)
            && !node.Allocations.Any(a => a.UsesGpu);
    }

    /// <summary>By index of the profile: the demands that a device of it on the node can serve.</summary>
    private ImmutableArray<int>[] ServedOn(NodeInfo node, MigGeometry geometry)
    {
        var serves = new List<int>[geometry.Profiles.Length];
        for (var k = 0; k < _kinds.Count; k++)
        {
            var kind = _kinds[k];
            if (geometry.IndexOf(kind.Profile) is >= 0 and var profile && geometry.Profiles[profile].MemoryMiB >= kind.Request.MinGpuMemoryMiB && kind.MayGoTo(node))
            {
                (serves[profile] ??= []).Add(k);
            }
        }

        return Array.ConvertAll(serves, s => s is null ? [] : s.ToImmutableArray());
    }

    private void AddOnDemand(NodeInfo node, MigGeometry geometry, ImmutableArray<int>[] serves)
    {
        var wanted = Enumerable.Range(0, serves.Length).Where(p => !serves[p].IsEmpty).ToHashSet();
        for (var rest = node.Facts.MigMask; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            ref readonly var use = ref node.Use[gpu];
            if (node.Facts.Gpus[gpu].Mig == MigMode.OnDemand && !use.Whole && use.Shares == 0)
            {
                var key = string.Create(CultureInfo.InvariantCulture, $"{RuntimeHelpers.GetHashCode(geometry)} {use.MigMask} {use.MediaExtensions} {string.Join(',', wanted)}");
                if (!_patterns.TryGetValue(key, out var patterns))
                {
                    _patterns[key] = patterns = MigPatterns.Maximal(geometry, use.MigMask, use.MediaExtensions, wanted);
                }

                Put("", geometry, serves, [.. patterns.Select(p => ((MigConfig?)null, p.ToArray(), 0))]);
            }
        }
    }

    /// <summary>Memory slices of a profile; one name means as many on all products of a cluster, or nearly so.</summary>
    private static int SlicesOf(string profile, IReadOnlyCollection<MigGeometry> geometries) =>
        geometries.Select(g => g.IndexOf(profile) is >= 0 and var index ? g.Profiles[index].MemorySlices : 0).FirstOrDefault(s => s > 0, 1);

    private static int[] FreeFixed(NodeInfo node, MigGeometry geometry)
    {
        var free = new int[geometry.Profiles.Length];
        for (var rest = node.Facts.MigMask; rest != 0; rest &= rest - 1)
        {
            var gpu = BitOperations.TrailingZeroCount(rest);
            ref readonly var use = ref node.Use[gpu];
            if (use.Whole || use.Shares > 0)
            {
                continue;
            }

            foreach (var instance in node.Facts.Gpus[gpu].Instances)
            {
                if ((use.MigMask & instance.Placement.Mask) == 0 && geometry.IndexOf(instance.Placement.Profile) is >= 0 and var profile && free[profile] < node.FreeMig[profile])
                {
                    free[profile]++;
                }
            }
        }

        return free;
    }

    private void Put(string node, MigGeometry geometry, ImmutableArray<int>[] serves, List<(MigConfig? Config, int[] Supply, int Disturbed)> options)
    {
        var slots = Array.ConvertAll(serves, s => s.IsEmpty ? -1 : SlotOf(s));
        var key = string.Create(CultureInfo.InvariantCulture, $"{(node.Length > 0 ? "node" : "gpu")} {geometry.MemorySlices} {string.Join(',', slots)}: {string.Join(';', options.Select(o => $"{o.Config?.Name}={string.Join(',', o.Supply)}/{o.Disturbed}"))}");
        if (!_classes.TryGetValue(key, out var units))
        {
            _classes[key] = units = new UnitClass([.. options.Select(o => new UnitOption(o.Config, BySlot(slots, o.Supply), o.Disturbed))]);
        }

        units.Count++;
        units.Nodes.Add(node);
    }

    private int SlotOf(ImmutableArray<int> serves)
    {
        var key = string.Join(',', serves);
        if (!_slots.TryGetValue(key, out var slot))
        {
            _slots[key] = slot = (_slots.Count, serves);
        }

        return slot.Slot;
    }

    private static Dictionary<int, int> BySlot(int[] slots, int[] supply)
    {
        var bySlot = new Dictionary<int, int>();
        for (var p = 0; p < slots.Length; p++)
        {
            if (slots[p] >= 0 && supply[p] > 0)
            {
                bySlot[slots[p]] = bySlot.GetValueOrDefault(slots[p]) + supply[p];
            }
        }

        return bySlot;
    }

    private static ImmutableArray<int> Widen(Dictionary<int, int> supply, int slots) => [.. Enumerable.Range(0, slots).Select(s => supply.GetValueOrDefault(s))];

    private sealed record UnitOption(MigConfig? Config, Dictionary<int, int> Supply, int Disturbed);

    private sealed class UnitClass(List<UnitOption> options)
    {
        public List<UnitOption> Options { get; } = options;

        public List<string> Nodes { get; } = [];

        public int Count { get; set; }
    }
}
