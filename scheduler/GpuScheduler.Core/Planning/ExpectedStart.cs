using System.Collections.Immutable;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Planning;

/// <summary>When what waits has room, if what runs ends as it is said to.</summary>
/// <param name="HasRoomNow">True when there is room already, beside all that is before it.</param>
/// <param name="At">By when; null when there is room now, and when even with all of them gone there is none.</param>
/// <param name="Known">Running pods with GPUs whose end is known.</param>
/// <param name="Running">Running pods with GPUs in all.</param>
public sealed record ExpectedStart(bool HasRoomNow, DateTimeOffset? At, int Known, int Running)
{
    /// <summary>
    /// Looks for it: pods go in the order of their ends, and what waits is placed in its order, up to and with the one that is asked for. It is
    /// no promise: more urgent work may come.
    /// </summary>
    /// <param name="live">The engine whose cluster it is about. It is left as it is.</param>
    /// <param name="isAsked">True for what is asked for.</param>
    /// <param name="ends">When pods end, by UID.</param>
    /// <returns>Null when nothing that is asked for waits.</returns>
    public static ExpectedStart? Of(SchedulingEngine live, Func<WorkItem, bool> isAsked, IReadOnlyDictionary<string, DateTimeOffset> ends)
    {
        ArgumentNullException.ThrowIfNull(live);
        ArgumentNullException.ThrowIfNull(isAsked);
        ArgumentNullException.ThrowIfNull(ends);
        var start = Rehearsal.Of(live);
        var queue = live.Gangs?.List().Where(g => g.QueuePlace is not null).ToDictionary(g => g.Group.Key, g => g.QueuePlace) ?? [];
        var waiting = start.Waiting(key => queue.GetValueOrDefault(key));
        var at = waiting.ToList().FindIndex(i => isAsked(i));
        if (at < 0)
        {
            return null;
        }

        var holders = live.Cluster.Current.Nodes.OfType<Cluster.NodeInfo>().SelectMany(n => n.Allocations)
            .Where(a => a.State != Reservations.AllocationState.Tentative && !a.Devices.Devices.IsEmpty).Select(a => a.Pod.Uid).ToHashSet(StringComparer.Ordinal);
        var known = ends.Where(e => holders.Contains(e.Key)).OrderBy(e => e.Value).ThenBy(e => e.Key, StringComparer.Ordinal).ToImmutableArray();
        ImmutableArray<WorkItem> ahead = [.. waiting.Take(at + 1)];
        bool HasRoomAfter(int count)
        {
            var rehearsal = start.Fork();
            foreach (var (uid, _) in known.Take(count))
            {
                rehearsal.Cluster.DeletePod(uid);
            }

            return rehearsal.Place(ahead)[^1].IsPlaced;
        }

        if (HasRoomAfter(0))
        {
            return new ExpectedStart(true, null, known.Length, holders.Count);
        }

        if (known.IsEmpty || !HasRoomAfter(known.Length))
        {
            return new ExpectedStart(false, null, known.Length, holders.Count);
        }

        var (low, high) = (1, known.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = HasRoomAfter(middle) ? (low, middle) : (middle + 1, high);
        }

        return new ExpectedStart(false, known[high - 1].Value, known.Length, holders.Count);
    }
}
