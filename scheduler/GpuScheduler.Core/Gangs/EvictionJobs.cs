using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Gangs;

/// <summary>Lists whom a gang may have removed: jobs of which every pod has a lower priority. A gang is one job, whole.</summary>
internal static class EvictionJobs
{
    /// <summary>
    /// How much more a job costs of which kube-scheduler says that its removal violates a disruption budget: enough that it is taken only
    /// where others would cost far more. kube-scheduler, too, prefers not to, and does it when nothing else helps.
    /// </summary>
    private const long BudgetFactor = 64;

    /// <summary>The jobs, each with a cost of its GPUs times the rank of its priority among the priorities there are, the lowest 1.</summary>
    /// <param name="cluster">Says which pods are a gang.</param>
    /// <param name="snapshot">The cluster.</param>
    /// <param name="priority">Only jobs below it.</param>
    /// <param name="guarded">UIDs of pods whose removal violates a disruption budget.</param>
    public static List<EvictionJob> Below(ClusterState cluster, Snapshot snapshot, int priority, IReadOnlySet<string> guarded)
    {
        var holds = new Dictionary<string, List<(int Position, Allocation Allocation)>>(StringComparer.Ordinal);
        var gangs = new Dictionary<string, PodGroup>(StringComparer.Ordinal);
        for (var position = 0; position < snapshot.Nodes.Length; position++)
        {
            foreach (var allocation in snapshot.Nodes[position]?.Allocations ?? [])
            {
                if (allocation is not { State: AllocationState.Bound or AllocationState.Presumed, Pod: { Request.WantsGpu: true, IsTerminating: false } pod })
                {
                    continue;
                }

                var name = pod.Uid;
                if (pod.Gang is not null && cluster.FindGroup(pod) is { Standing: not PodGroupStanding.Single } group)
                {
                    name = $"gang {group.Key.Dialect}:{group.Key}";
                    gangs[name] = group;
                }

                (holds.TryGetValue(name, out var list) ? list : holds[name] = []).Add((position, allocation));
            }
        }

        var jobs = holds.Select(h => (Name: h.Key, Holds: h.Value, Group: gangs.GetValueOrDefault(h.Key)))
            .Where(j => j.Holds.TrueForAll(h => h.Allocation.Pod.Priority < priority) && (j.Group is null || IsWhole(cluster, j.Group, priority)))
            .OrderBy(j => j.Name, StringComparer.Ordinal).ToList();
        var ranks = jobs.Select(PriorityOf).Distinct().Order().Select((p, i) => (p, i)).ToDictionary(r => r.p, r => r.i + 1);
        var evictable = jobs.SelectMany(j => j.Holds).Select(h => h.Allocation.Pod.Uid).ToHashSet(StringComparer.Ordinal);
        return [.. jobs.Select(j =>
        {
            var pods = j.Group is null ? [.. j.Holds.Select(h => h.Allocation.Pod)] : j.Group.Members.Where(m => m.NodeName is not null).ToImmutableArray();
            var gpus = j.Holds.Sum(h => (long)h.Allocation.Pod.Request.DeviceCount);
            var cost = Math.Max(1, gpus) * ranks[PriorityOf(j)] * (pods.Any(p => guarded.Contains(p.Uid)) ? BudgetFactor : 1);
            return new EvictionJob(new EvictionVictim(j.Group is null ? $"pod {pods[0]}" : j.Name, cost, [.. j.Holds.Select(h => HoldOf(h.Position, h.Allocation, snapshot.Nodes[h.Position]!, evictable))]), pods);
        })];

        static int PriorityOf((string, List<(int, Allocation Allocation)> Holds, PodGroup? Group) job) => job.Group?.Priority ?? job.Holds[0].Allocation.Pod.Priority;
    }

    /// <summary>True for a gang that can be removed whole: no member is more urgent, none is on its way to a node or would follow at once.</summary>
    private static bool IsWhole(ClusterState cluster, PodGroup group, int priority) =>
        group.Priority < priority && group.Members.All(m =>
            m.Priority < priority && !(cluster.TryGetAllocation(m.Uid, out var held) && held.State is AllocationState.Planned or AllocationState.Promised or AllocationState.Committed));

    private static EvictionHold HoldOf(int position, Allocation allocation, NodeInfo node, HashSet<string> evictable)
    {
        var lasting = 0UL;
        foreach (var other in node.Allocations)
        {
            lasting |= evictable.Contains(other.Pod.Uid) ? 0 : MaskOf(other, node.Facts);
        }

        return new EvictionHold(position, MaskOf(allocation, node.Facts) & ~lasting & node.Facts.WholeMask, allocation.Pod.CpuMilli, allocation.Pod.MemoryBytes);
    }

    private static ulong MaskOf(Allocation allocation, NodeFacts facts)
    {
        var mask = 0UL;
        foreach (var device in allocation.Devices.Devices)
        {
            mask |= 1UL << facts.PositionOf(device);
        }

        return mask;
    }
}
