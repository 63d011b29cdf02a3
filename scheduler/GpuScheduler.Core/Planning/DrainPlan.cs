using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Planning;

/// <summary>Where the pods with GPUs of a node would go if it were drained.</summary>
/// <param name="Node">The node.</param>
/// <param name="Outcomes">What becomes of each gang and pod, in the order in which they were placed.</param>
/// <param name="OtherPods">Pods on it that hold no GPU: kube-scheduler's alone, or of a DaemonSet and gone with the node.</param>
public sealed record DrainPlan(string Node, ImmutableArray<WorkOutcome> Outcomes, int OtherPods)
{
    /// <summary>True when all of them have a place elsewhere.</summary>
    public bool AllFit => Outcomes.All(o => o.IsPlaced);

    /// <summary>
    /// Plans it on a copy. Members of a gang are placed beside those that run elsewhere, with which they may have to be close; where that fails
    /// the gang is placed anew as a whole. Null when the node is not known.
    /// </summary>
    public static DrainPlan? Of(SchedulingEngine live, string node)
    {
        ArgumentNullException.ThrowIfNull(live);
        if (live.Cluster.Current.Find(node) is not { } info)
        {
            return null;
        }

        var on = info.Allocations.Where(a => a.State != AllocationState.Tentative).Select(a => a.Pod).ToList();
        var rehearsal = Rehearsal.Of(live);
        rehearsal.Cluster.DeleteNode(node);
        var displaced = rehearsal.Unbind(on.Where(Holds));
        var outcomes = new List<WorkOutcome>();
        var items = rehearsal.ItemsOf(displaced);

        // A gang that is no longer complete cannot be planned as one; its pods are looked at one by one.
        var known = items.SelectMany(i => i.Pods).Select(p => p.Uid).ToHashSet(StringComparer.Ordinal);
        items = [.. items, .. displaced.Where(p => !known.Contains(p.Uid)).Select(p => new WorkItem(null, [p]))];
        foreach (var batch in Batches(items))
        {
            var placed = rehearsal.Place(batch);
            if (placed is [{ IsPlaced: false, Work.Gang: { } gang } refused] && Anew(rehearsal, gang) is var (other, anew))
            {
                rehearsal = other;
                outcomes.Add(anew);
                continue;
            }

            outcomes.AddRange(placed.Select(o => o is { IsPlaced: true, Work.Gang: not null } && o.Places.Length < o.Work.Pods.Length
                ? o with { Why = "the gang has all that it needs, and no room for more members" }
                : o));
        }

        return new DrainPlan(node, [.. outcomes], on.Count(p => !Holds(p)));
    }

    private static bool Holds(PodInfo pod) => pod.Request.WantsGpu || pod.PeerAssignment is not null;

    /// <summary>Gangs one by one, and the single pods between them together.</summary>
    private static IEnumerable<IReadOnlyList<WorkItem>> Batches(ImmutableArray<WorkItem> items)
    {
        for (var i = 0; i < items.Length;)
        {
            var end = i + 1;
            while (items[i].Gang is null && end < items.Length && items[end].Gang is null)
            {
                end++;
            }

            yield return items[i..end];
            i = end;
        }
    }

    private static (Rehearsal After, WorkOutcome Outcome)? Anew(Rehearsal before, GangKey gang)
    {
        var rehearsal = before.Fork();
        if (rehearsal.Cluster.FindGroup(gang) is not { } group || group.Members.All(m => m.NodeName is null))
        {
            return null;
        }

        rehearsal.Unbind(group.Members.Where(m => m.Request.WantsGpu));
        var members = rehearsal.Cluster.FindGroup(gang)!.Members.Where(m => m.Request.WantsGpu);
        var outcome = rehearsal.Place([new WorkItem(gang, [.. members])])[0];
        return outcome.IsPlaced ? (rehearsal, outcome with { Restarts = true }) : null;
    }
}
