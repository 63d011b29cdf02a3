using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Planning;

/// <summary>
/// Searches for the fewest nodes that let run what waits, by trying: nodes are added to a copy of the cluster, and the engine places all that
/// waits on it, the most urgent first.
/// </summary>
/// <remarks>
/// First for each that has no room the smallest number of one kind is looked for that lets it run beside all that do; for one that asks for
/// the same as one before it, of the kind that was found for that. Together these do, and bound the search from above. A count of
/// GPUs bounds it from below (<see cref="LeastNodes"/>). Then fewer of each kind are tried by halving, and at last, from the lower bound on, all
/// mixes of kinds, until one does or the time is over. A node that is added has nobody on it, not even DaemonSets.
/// </remarks>
public sealed class CapacityPlanner
{
    /// <summary>Most nodes that are thought of.</summary>
    private const int MostNodes = 256;

    /// <summary>Most kinds, in all places, that are thought of: those with the most GPUs free beside them first.</summary>
    private const int MostKinds = 64;

    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly CancellationToken _cancellation;
    private readonly long _start;
    private readonly Rehearsal _base;
    private readonly ImmutableArray<NodeKind> _kinds;
    private readonly Func<GangKey, int?> _queue;
    private readonly HashSet<string> _names;
    private readonly Dictionary<GangShapeKey, int> _shapes = [];
    private readonly Dictionary<string, NodeInfo> _models = new(StringComparer.Ordinal);   // by name, those that a kind is like

    private CapacityPlanner(SchedulingEngine live, TimeSpan limit, CancellationToken cancellation)
    {
        _time = live.Cluster.Time;
        _limit = limit;
        _cancellation = cancellation;
        _start = _time.GetTimestamp();
        var places = live.Gangs?.List().Where(g => g.QueuePlace is not null).ToDictionary(g => g.Group.Key, g => g.QueuePlace) ?? [];
        _queue = key => places.GetValueOrDefault(key);
        _kinds = KindsOf(live.Cluster.Current);
        _base = Rehearsal.Of(live);
        _names = live.Cluster.Current.Nodes.OfType<NodeInfo>().Select(n => n.Facts.Name).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Searches.</summary>
    /// <param name="live">The engine whose cluster it is about. It is left as it is.</param>
    /// <param name="limit">How long is searched; what one placement of all that waits takes comes on top.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static CapacityShortfall Find(SchedulingEngine live, TimeSpan limit, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(live);
        return new CapacityPlanner(live, limit, cancellation).Find();
    }

    private int _lastName;

    private bool IsOver => _time.GetElapsedTime(_start) > _limit;

    private CapacityShortfall Find()
    {
        var current = _base.Fork();
        var now = current.Place(_base.Waiting(_queue));
        var helped = new List<WorkOutcome>();
        var notHelped = new List<WorkOutcome>();
        var notTried = new List<WorkItem>();
        var add = new Dictionary<NodeKind, int>();
        var found = new Dictionary<string, (NodeKind Kind, int Count)?>(StringComparer.Ordinal);   // by what is asked for
        foreach (var outcome in now.Where(o => !o.IsPlaced))
        {
            _cancellation.ThrowIfCancellationRequested();
            if (IsOver && helped.Count + notHelped.Count > 0)
            {
                notTried.Add(outcome.Work);
                continue;
            }

            if (add.Count > 0 && current.Place([outcome.Work])[0] is { IsPlaced: true } beside)
            {
                helped.Add(beside);
                continue;
            }

            var shape = ShapeOf(outcome.Work);
            var isKnown = found.TryGetValue(shape, out var before);
            if (isKnown && before is null)
            {
                notHelped.Add(outcome);
                continue;
            }

            // The nodes that helped one before it most likely help it too: that none of another kind do better is left to the end.
            var next = before is { } again ? Fewest(current, again.Kind, again.Count, outcome.Work) : Cheapest(current, outcome.Work);
            next ??= isKnown ? Cheapest(current, outcome.Work) : null;
            if (!isKnown || next is not null)
            {
                found[shape] = next;
            }

            if (next is var (kind, count) && TryWith(current, kind, count, outcome.Work, keep: true) is { } then)
            {
                add[kind] = add.GetValueOrDefault(kind) + count;
                helped.Add(then);
            }
            else
            {
                notHelped.Add(outcome);
            }
        }

        var hadRoom = now.Where(o => o.IsPlaced).Select(o => o.Work).ToHashSet();
        var all = hadRoom.Concat(helped.Select(o => o.Work)).ToHashSet();
        var (mix, outcomes, isFewest, atLeast) = Fewest(add, [.. now.Select(o => o.Work).Where(all.Contains)]);
        return new CapacityShortfall
        {
            Add = [.. mix.Select(m => new NodesToAdd(m.Key, m.Value)).OrderByDescending(n => n.Count).ThenBy(n => n.Kind.Product, StringComparer.Ordinal).ThenBy(n => n.Kind.Beside, StringComparer.Ordinal)],
            IsFewest = isFewest,
            AtLeast = atLeast,
            HaveRoom = [.. now.Where(o => o.IsPlaced)],
            Helped = [.. outcomes?.Where(o => !hadRoom.Contains(o.Work)) ?? helped],
            NotHelped = [.. notHelped],
            NotTried = [.. notTried],
        };
    }

    /// <summary>What an item asks for, and what could help it: items of which this is the same are the same to nodes that are added.</summary>
    private string ShapeOf(WorkItem item)
    {
        var topology = item.Gang is { } gang ? _base.Cluster.FindGroup(gang)?.Topology : null;
        return $"{item.Gang is null} {topology} {string.Join(' ', item.Pods.Select(GangShapeKey.Of).GroupBy(k => k).Select(g => $"{g.Count()} x {NumberOf(g.Key)}").Order(StringComparer.Ordinal))}";
    }

    private int NumberOf(GangShapeKey shape)
    {
        if (!_shapes.TryGetValue(shape, out var number))
        {
            _shapes[shape] = number = _shapes.Count;
        }

        return number;
    }

    /// <summary>
    /// Places an item beside what is there, on nodes that are added for it; null when it has no place. Without a place, and unless it is
    /// to be kept, all stands as before.
    /// </summary>
    private WorkOutcome? TryWith(Rehearsal rehearsal, NodeKind kind, int count, WorkItem item, bool keep)
    {
        var added = AddNodes(rehearsal, kind, count);
        var outcome = rehearsal.Place([item])[0];
        if (outcome.IsPlaced && keep)
        {
            return outcome;
        }

        if (outcome.IsPlaced)
        {
            rehearsal.Unbind(item.Pods.Where(p => p.Request.WantsGpu));
        }

        foreach (var name in added)
        {
            rehearsal.Cluster.DeleteNode(name);
        }

        return outcome.IsPlaced ? outcome : null;
    }

    /// <summary>The kind of which the fewest let an item run beside what is there; null when none does.</summary>
    private (NodeKind Kind, int Count)? Cheapest(Rehearsal before, WorkItem item)
    {
        (NodeKind Kind, int Count)? best = null;
        foreach (var kind in _kinds.Where(k => Helps(k, item)))
        {
            _cancellation.ThrowIfCancellationRequested();
            if (best is { Count: 1 } || (best is not null && IsOver))
            {
                break;
            }

            best = Fewest(before, kind, best is { } found ? found.Count - 1 : Math.Min(MostNodes, item.Pods.Length), item) ?? best;
        }

        return best;
    }

    /// <summary>The fewest nodes of a kind that let an item run beside what is there; null when even the most do not.</summary>
    private (NodeKind Kind, int Count)? Fewest(Rehearsal before, NodeKind kind, int most, WorkItem item)
    {
        bool Does(int count) => TryWith(before, kind, count, item, keep: false) is not null;
        if (most < 1 || !Does(most))
        {
            return null;
        }

        var (low, high) = (1, most);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = Does(middle) ? (low, middle) : (middle + 1, high);
        }

        return (kind, high);
    }

    /// <summary>Fewer nodes than are known to do, with what becomes of the items then; else those that are known.</summary>
    private (IReadOnlyDictionary<NodeKind, int> Mix, ImmutableArray<WorkOutcome>? Outcomes, bool IsFewest, int AtLeast) Fewest(IReadOnlyDictionary<NodeKind, int> known, List<WorkItem> items)
    {
        var kinds = _kinds.Where(k => items.Any(i => Helps(k, i))).ToArray();
        var atLeast = LeastNodes.For(items, _base.Cluster, kinds.Select(k => k.Gpus).DefaultIfEmpty().Max());
        var best = new Dictionary<NodeKind, int>(known);
        ImmutableArray<WorkOutcome>? outcomes = null;
        foreach (var kind in known.OrderByDescending(k => k.Value).ThenBy(k => k.Key.Model, StringComparer.Ordinal).Select(k => k.Key))
        {
            var low = Math.Max(0, best[kind] - Math.Max(0, best.Values.Sum() - atLeast));
            while (low < best[kind] && !IsOver)
            {
                _cancellation.ThrowIfCancellationRequested();
                var fewer = new Dictionary<NodeKind, int>(best) { [kind] = (low + best[kind]) / 2 };
                if (Try(fewer, items) is var tried && tried.All(o => o.IsPlaced))
                {
                    (best, outcomes) = (fewer, tried);
                }
                else
                {
                    low = fewer[kind] + 1;
                }
            }

            if (best[kind] == 0)
            {
                best.Remove(kind);
            }
        }

        for (var count = atLeast; count < best.Values.Sum(); count++)
        {
            foreach (var mix in Mixes(kinds, 0, count))
            {
                _cancellation.ThrowIfCancellationRequested();
                if (IsOver)
                {
                    return (best, outcomes, false, count);
                }

                var tried = Try(mix, items);
                if (tried.All(o => o.IsPlaced))
                {
                    return (mix, tried, true, count);
                }
            }
        }

        return (best, outcomes, true, best.Values.Sum());
    }

    /// <summary>All ways to take so many nodes of the kinds from an index on.</summary>
    private static IEnumerable<Dictionary<NodeKind, int>> Mixes(NodeKind[] kinds, int from, int count)
    {
        if (count == 0)
        {
            yield return [];
            yield break;
        }

        for (var i = from; i < kinds.Length; i++)
        {
            for (var take = count; take >= 1; take--)
            {
                foreach (var rest in Mixes(kinds, i + 1, count - take))
                {
                    rest[kinds[i]] = take;
                    yield return rest;
                }
            }
        }
    }

    private ImmutableArray<WorkOutcome> Try(IReadOnlyDictionary<NodeKind, int> mix, IReadOnlyList<WorkItem> items)
    {
        var rehearsal = _base.Fork();
        foreach (var (kind, count) in mix.OrderBy(m => m.Key.Model, StringComparer.Ordinal).ThenBy(m => m.Key.Beside, StringComparer.Ordinal))
        {
            AddNodes(rehearsal, kind, count);
        }

        return rehearsal.Place(items);
    }

    /// <summary>Adds nodes under names that nobody has, and gives these names.</summary>
    private List<string> AddNodes(Rehearsal rehearsal, NodeKind kind, int count)
    {
        var names = new List<string>(count);
        while (names.Count < count)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"new-{++_lastName}");
            if (_names.Add(name))
            {
                rehearsal.Cluster.AddLike(kind.Model, name, labels => kind.Beside.Length > 0 ? labels : Apart(labels));
                names.Add(name);
            }
        }

        return names;
    }

    /// <summary>The same but for the innermost level of the network: all nodes that are added stand in one new domain of it.</summary>
    private static Dictionary<string, string> Apart(IReadOnlyDictionary<string, string> labels)
    {
        var apart = new Dictionary<string, string>(labels, StringComparer.Ordinal);
        var inner = NetworkLevel.Defaults.FirstOrDefault(l => l.Labels.Any(k => NetworkLevel.NamesDomain(labels.GetValueOrDefault(k))));
        foreach (var key in inner?.Labels ?? [])
        {
            if (apart.ContainsKey(key))
            {
                apart[key] = "new";
            }
        }

        return apart;
    }

    /// <summary>Whether nodes of a kind could help; where they stand matters only to a gang that has to be in one domain.</summary>
    private bool Helps(NodeKind kind, WorkItem item) =>
        (kind.Beside.Length == 0 || (item.Gang is { } gang && _base.Cluster.FindGroup(gang) is { Topology: { } topology } && (topology.Required ?? topology.SegmentRequired) is not null))
        && _models.TryGetValue(kind.Model, out var node) && item.Pods.Any(p => _base.CouldBeAlone(p, node));

    /// <summary>One of each kind and innermost domain, and of each kind one in a domain of its own.</summary>
    private ImmutableArray<NodeKind> KindsOf(Snapshot snapshot)
    {
        var topology = snapshot.Topology;
        var kinds = new List<(NodeKind Kind, long Free)>();
        var nodes = Enumerable.Range(0, snapshot.Nodes.Length).Where(i => snapshot.Nodes[i] is { Facts.Gpus.IsEmpty: false } node && !node.Facts.Taints.Any(t => t.IsCondition)).ToList();
        foreach (var alike in nodes.GroupBy(i => (snapshot.Nodes[i]!.Facts.Product, snapshot.Nodes[i]!.Facts.Gpus.Length, Mig: MigOf(snapshot.Nodes[i]!.Facts))))
        {
            NodeKind KindOf(IEnumerable<int> those, string beside)
            {
                var model = those.Select(i => snapshot.Nodes[i]!).OrderByDescending(n => n.Facts.AllocatableGpus).ThenByDescending(n => n.Facts.UsableGpus)
                    .ThenByDescending(n => n.Facts.CpuMilli).ThenBy(n => n.Facts.Name, StringComparer.Ordinal).First();
                _models[model.Facts.Name] = model;
                return new NodeKind(alike.Key.Product, alike.Key.Length, alike.Key.Mig, beside, model.Facts.Name);
            }

            kinds.Add((KindOf(alike, ""), long.MaxValue));
            if (topology.Levels.Length > 0)
            {
                foreach (var domain in alike.GroupBy(i => topology.DomainOf(1, i)))
                {
                    var named = topology.Levels[0].Labels.Any(l => NetworkLevel.NamesDomain(snapshot.Nodes[domain.First()]!.Facts.Labels.GetValueOrDefault(l)));
                    if (named)
                    {
                        kinds.Add((KindOf(domain, topology.Describe(1, domain.Key)), domain.Sum(i => (long)snapshot.Nodes[i]!.FreeGpus)));
                    }
                }
            }
        }

        return [.. kinds.OrderByDescending(k => k.Free).ThenBy(k => k.Kind.Model, StringComparer.Ordinal).Take(MostKinds).Select(k => k.Kind)];
    }

    private static string MigOf(NodeFacts facts) => facts.Geometry is not { } geometry || facts.MigMask == 0
        ? ""
        : string.Join(' ', geometry.Profiles.Select((p, i) => (p.Name, Count: facts.AllocatableMig[i])).Where(p => p.Count > 0)
            .Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Count}x{p.Name}")));
}
