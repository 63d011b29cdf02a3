using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Planning;

/// <summary>
/// A copy of the cluster on which the engine decides alone, so that it can be seen what would happen. Nothing that is done here reaches the
/// cluster it was taken from. Not thread-safe.
/// </summary>
/// <remarks>
/// Nodes that Kubernetes itself keeps pods off (<see cref="NodeTaint.IsCondition"/>) are not in it. Other taints, selectors and affinity
/// count for members of gangs, whose demands are known, and not for single pods.
/// </remarks>
public sealed class Rehearsal
{
    /// <summary>Most pods that are placed in one step; the search for more takes too long.</summary>
    private const int MostTogether = 512;

    private readonly SchedulingEngine _engine;

    private Rehearsal(SchedulingEngine engine) => _engine = engine;

    /// <summary>The copy.</summary>
    public ClusterState Cluster => _engine.Cluster;

    /// <summary>Takes a copy of the cluster that an engine decides on.</summary>
    public static Rehearsal Of(SchedulingEngine live)
    {
        ArgumentNullException.ThrowIfNull(live);
        var engine = live.Rehearse();
        foreach (var node in engine.Cluster.Current.Nodes)
        {
            if (node is not null && node.Facts.Taints.Any(t => t.IsCondition))
            {
                engine.Cluster.DeleteNode(node.Facts.Name);
            }
        }

        return new Rehearsal(engine);
    }

    /// <summary>Another one that stands as this does.</summary>
    public Rehearsal Fork() => new(_engine.Rehearse());

    /// <summary>
    /// What waits for a place: complete gangs that have none for all they need, and single pods; the most urgent first, gangs before pods.
    /// Gangs that are not complete wait for their members, and are not among them.
    /// </summary>
    /// <param name="queue">The place of a gang among those that wait, where it is known.</param>
    public ImmutableArray<WorkItem> Waiting(Func<GangKey, int?>? queue = null) =>
        ItemsOf(Cluster.PodsWithoutPlace(), queue);

    /// <summary>Pods as what is placed as one; those of groups that cannot be placed now are left out.</summary>
    internal ImmutableArray<WorkItem> ItemsOf(IEnumerable<PodInfo> pods, Func<GangKey, int?>? queue = null)
    {
        var items = new List<(WorkItem Item, int Queue)>();
        foreach (var alike in pods.OrderBy(p => p.Namespace, StringComparer.Ordinal).ThenBy(p => p.Name, StringComparer.Ordinal).GroupBy(p => p.Gang?.Key))
        {
            var group = alike.Key is { } key ? Cluster.FindGroup(key) : null;
            if (group is null or { Standing: PodGroupStanding.Single })
            {
                items.AddRange(alike.Select(p => (new WorkItem(null, [p]), int.MaxValue)));
            }
            else if (group.Standing == PodGroupStanding.Complete)
            {
                items.Add((new WorkItem(group.Key, [.. group.Members.Where(m => alike.Any(p => p.Uid == m.Uid))]), queue?.Invoke(group.Key) ?? int.MaxValue));
            }
        }

        return
        [
            .. items.Where(i => !i.Item.Pods.IsEmpty)
                .OrderByDescending(i => i.Item.Priority).ThenBy(i => i.Item.Gang is null).ThenBy(i => i.Queue)
                .ThenByDescending(i => i.Item.Devices).ThenBy(i => i.Item.Name, StringComparer.Ordinal)
                .Select(i => i.Item),
        ];
    }

    /// <summary>
    /// Places items in their order, and they stay. Single pods of one priority that follow each other are placed in one step if there is
    /// room for all of them, and else one after another.
    /// </summary>
    public ImmutableArray<WorkOutcome> Place(IReadOnlyList<WorkItem> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var outcomes = ImmutableArray.CreateBuilder<WorkOutcome>(items.Count);
        for (var i = 0; i < items.Count;)
        {
            if (items[i].Gang is { } gang)
            {
                outcomes.Add(PlaceGang(items[i], gang));
                i++;
                continue;
            }

            var end = i + 1;
            while (end < items.Count && end - i < MostTogether && items[end].Gang is null && items[end].Priority == items[i].Priority)
            {
                end++;
            }

            var singles = items.Skip(i).Take(end - i).ToList();
            if (singles.Count > 1)
            {
                HoldTogether([.. singles.SelectMany(s => s.Pods).Where(p => p.Request.WantsGpu)]);
            }

            outcomes.AddRange(singles.Select(PlaceOne));
            i = end;
        }

        return outcomes.DrainToImmutable();
    }

    /// <summary>Takes pods off their nodes: they are pending, and what they held is free.</summary>
    internal ImmutableArray<PodInfo> Unbind(IEnumerable<PodInfo> pods)
    {
        var pending = ImmutableArray.CreateBuilder<PodInfo>();
        foreach (var pod in pods)
        {
            var again = pod.OffItsNode() with { IsTerminating = false };
            Cluster.DeletePod(pod.Uid);
            Cluster.UpsertPod(again);
            pending.Add(again);
        }

        return pending.DrainToImmutable();
    }

    /// <summary>Pods that are pending are there from now on.</summary>
    public void Add(IEnumerable<PodInfo> pods)
    {
        ArgumentNullException.ThrowIfNull(pods);
        foreach (var pod in pods)
        {
            Cluster.UpsertPod(pod);
        }
    }

    /// <summary>True when a pod could be on a node if it were there alone.</summary>
    internal bool CouldBeAlone(PodInfo pod, NodeInfo node) => pod.Demands?.Allows(node.Facts) != false && _engine.Judge(pod, node.Facts.Empty).IsSuccess;

    /// <summary>Holds places for all single pods at once if there are such places; without, nothing is held.</summary>
    private void HoldTogether(ImmutableArray<PodInfo> pods)
    {
        if (pods.Length < 2)
        {
            return;
        }

        var roles = pods.GroupBy(p => new GangShapeKey(p.Request, p.CpuMilli, p.MemoryBytes, p.Demands)).Select((alike, i) => new PodGroupRole
        {
            Part = i.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Request = alike.Key.Request,
            CpuMilli = alike.Key.CpuMilli,
            MemoryBytes = alike.Key.MemoryBytes,
            Demands = alike.Key.Demands,
            MinMembers = alike.Count(),
            Members = [.. alike],
        }).ToImmutableArray();
        var trial = _engine.Gangs!.Try(new PodGroup
        {
            Key = new GangKey("", GangDialects.OwnName, "together"),
            Standing = PodGroupStanding.Complete,
            Members = pods,
            Roles = roles,
            MinMembers = pods.Length,
            Size = pods.Length,
        });
        foreach (var place in trial.Places)
        {
            if (_engine.Promise(place.Pod, place.Node).IsGranted)
            {
                Cluster.Run(place.Pod.Uid);
            }
        }
    }

    private WorkOutcome PlaceOne(WorkItem item)
    {
        var pod = item.Pods[0];
        var decision = _engine.Schedule(pod);
        if (decision.Allocation is { } allocation)
        {
            return new WorkOutcome(item, true, [new GangPlace(pod, allocation.Node, allocation.Devices)], "");
        }

        ImmutableArray<(string Reason, int Nodes)> refusals =
            [.. decision.Refusals.Select(r => (r.Key.Reason, r.Value)).OrderByDescending(r => r.Value).ThenBy(r => r.Reason, StringComparer.Ordinal)];
        var count = refusals.Sum(r => r.Nodes);
        var why = count == 0
            ? "there is no node"
            : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"0 of {count} {(count == 1 ? "node" : "nodes")}: {string.Join(", ", refusals.Select(r => $"{r.Nodes} {r.Reason}"))}");
        return new WorkOutcome(item, false, [], why) { Refusals = refusals };
    }

    private WorkOutcome PlaceGang(WorkItem item, GangKey gang)
    {
        var plan = _engine.Gangs!.Run(gang);
        var places = ImmutableArray.CreateBuilder<GangPlace>();
        foreach (var pod in item.Pods)
        {
            if (Cluster.TryGetAllocation(pod.Uid, out var held) && held.State != AllocationState.Tentative)
            {
                places.Add(new GangPlace(pod, held.Node, pod.Request.WantsGpu ? held.Devices : DeviceAssignment.Empty));
            }
        }

        return new WorkOutcome(item, plan.IsPlaced, plan.IsPlaced ? places.DrainToImmutable() : [], plan.IsPlaced ? "" : plan.Proof.Why) { Proof = plan.Proof };
    }
}
