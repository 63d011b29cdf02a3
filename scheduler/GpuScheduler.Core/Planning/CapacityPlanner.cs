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
/// First for each that has no room the smallest number of one kind is looked for that lets it run beside all that do. Together these do, and
/// bound the search from above; then fewer are tried, from none on, in all mixes of kinds, until one does or the time is over. A node that is
/// added has nobody on it, not even DaemonSets.
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

    private bool IsOver => _time.GetElapsedTime(_start) > _limit;

    private CapacityShortfall Find()
    {
        var current = _base.Fork();
        var now = current.Place(_base.Waiting(_queue));
        var helped = new List<WorkOutcome>();
        var notHelped = new List<WorkOutcome>();
        var notTried = new List<WorkItem>();
        var add = new Dictionary<NodeKind, int>();
        foreach (var outcome in now.Where(o => !o.IsPlaced))
        {
            _cancellation.ThrowIfCancellationRequested();
            if (IsOver && helped.Count + notHelped.Count > 0)
            {
                notTried.Add(outcome.Work);
            }
            else if (Place(current, null, 0, outcome.Work) is var (beside, placed))
            {
                current = beside;
                helped.Add(placed);
            }
            else if (Cheapest(current, outcome.Work) is var (kind, count) && Place(current, kind, count, outcome.Work) is var (after, then))
            {
                add[kind] = add.GetValueOrDefault(kind) + count;
                current = after;
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

    /// <summary>Places an item beside what is there, on nodes that are added for it; null when it has no place.</summary>
    private static (Rehearsal After, WorkOutcome Outcome)? Place(Rehearsal before, NodeKind? kind, int count, WorkItem item)
    {
        var after = before.Fork();
        if (kind is not null)
        {
            AddNodes(after, kind, count);
        }

        return after.Place([item])[0] is { IsPlaced: true } outcome ? (after, outcome) : null;
    }

    /// <summary>The kind of which the fewest let an item run beside what is there; null when none does.</summary>
    private (NodeKind Kind, int Count)? Cheapest(Rehearsal before, WorkItem item)
    {
        (NodeKind Kind, int Count)? best = null;
        foreach (var kind in _kinds.Where(k => Helps(k, item)))
        {
            _cancellation.ThrowIfCancellationRequested();
            if (best is not null && IsOver)
            {
                break;
            }

            bool Does(int count) => Place(before, kind, count, item) is not null;
            var high = best is { } found ? found.Count - 1 : Math.Min(MostNodes, item.Pods.Length);
            if (high < 1 || !Does(high))
            {
                continue;
            }

            var low = 1;
            while (low < high)
            {
                var middle = (low + high) / 2;
                (low, high) = Does(middle) ? (low, middle) : (middle + 1, high);
            }

            best = (kind, high);
        }

        return best;
    }

    /// <summary>Fewer nodes than are known to do, with what becomes of the items then; else those that are known.</summary>
    private (IReadOnlyDictionary<NodeKind, int> Mix, ImmutableArray<WorkOutcome>? Outcomes, bool IsFewest, int AtLeast) Fewest(IReadOnlyDictionary<NodeKind, int> known, List<WorkItem> items)
    {
        var most = known.Values.Sum();
        var kinds = _kinds.Where(k => items.Any(i => Helps(k, i))).ToArray();
        for (var count = 0; count < most; count++)
        {
            foreach (var mix in Mixes(kinds, 0, count))
            {
                _cancellation.ThrowIfCancellationRequested();
                if (IsOver)
                {
                    return (known, null, false, count);
                }

                var outcomes = Try(mix, items);
                if (outcomes.All(o => o.IsPlaced))
                {
                    return (mix, outcomes, true, count);
                }
            }
        }

        return (known, null, true, most);
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

    private static void AddNodes(Rehearsal rehearsal, NodeKind kind, int count)
    {
        for (var (added, number) = (0, 1); added < count; number++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"new-{number}");
            if (rehearsal.Cluster.Current.Find(name) is null)
            {
                rehearsal.Cluster.AddLike(kind.Model, name, labels => kind.Beside.Length > 0 ? labels : Apart(labels));
                added++;
            }
        }
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

    private bool Helps(NodeKind kind, WorkItem item) =>
        _models.TryGetValue(kind.Model, out var node) && item.Pods.Any(p => _base.CouldBeAlone(p, node));

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
