using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// What nodes can take by what <see cref="DeviceAllocator"/> picks for one member after the other: shares, MIG devices, connected sets.
/// Members of earlier roles are put first. The answer is what will really happen at bind, not the most that a cleverer allocator could do.
/// </summary>
internal sealed class AllocatorCapacity : IGangCapacity
{
    private readonly NodeInfo?[] _nodes;
    private readonly IShareCardOrder _cards;
    private readonly PodInfo[] _members;
    private readonly MemberRequest[] _roles;
    private readonly bool[][] _allowed;
    private readonly int[][] _alone; // by role and position: room beside nobody, plus 1; 0 for not known yet
    private readonly ConcurrentDictionary<(int Position, string Counts), NodeInfo?> _filled = new();

    public AllocatorCapacity(NodeInfo?[] nodes, ImmutableArray<MemberRequest> roles, IShareCardOrder cards)
    {
        _nodes = nodes;
        _cards = cards;
        _roles = [.. roles];
        _members = [.. roles.Select((r, i) => new PodInfo
        {
            Uid = string.Create(CultureInfo.InvariantCulture, $"role {i}"),
            Namespace = "",
            Name = "",
            Request = r.Request,
            CpuMilli = r.CpuMilli,
            MemoryBytes = r.MemoryBytes,
        })];
        _alone = [.. roles.Select(_ => new int[nodes.Length])];
        _allowed = new bool[roles.Length][];
        for (var r = 0; r < roles.Length; r++)
        {
            var models = new ModelVerdicts(roles[r].Request);
            _allowed[r] = [.. nodes.Select((n, i) => n is not null && models.Allow(n.Facts) && roles[r].Allows?.Invoke(i) != false)];
        }
    }

    public int Room(int position, int role, ReadOnlySpan<int> beside)
    {
        if (!_allowed[role][position])
        {
            return 0;
        }

        if (beside.ContainsAnyExcept(0))
        {
            return Filled(position, beside) is { } node ? Count(node, role) : 0;
        }

        ref var alone = ref _alone[role][position];
        if (alone == 0)
        {
            alone = 1 + Count(_nodes[position]!, role);
        }

        return alone - 1;
    }

    public int Stranded(int position, ReadOnlySpan<int> members)
    {
        if (_nodes[position] is not { } node)
        {
            return 0;
        }

        // GPUs that nobody used before, less what the members' size accounts for: what a member opens and does not fill.
        return Filled(position, members) is { } after
            ? Math.Max(0, 4 * (node.FreeGpus - after.FreeGpus) - 4 * (after.UsedMilli - node.UsedMilli) / SharePacking.WholeCard)
            : 0;
    }

    private int Count(NodeInfo node, int role)
    {
        var (cpu, memory) = GangCapacity.Beside(node);
        var most = Math.Min(Times(cpu, _roles[role].CpuMilli), Times(memory, _roles[role].MemoryBytes));
        if (!_roles[role].Request.WantsGpu)
        {
            return (int)most;
        }

        var count = 0;
        while (count < most && With(node, role, count) is { } next)
        {
            node = next;
            count++;
        }

        return count;
    }

    /// <summary>The node with members on it; null when they do not fit.</summary>
    private NodeInfo? Filled(int position, ReadOnlySpan<int> counts)
    {
        var key = (position, string.Join(',', counts.ToArray()));
        if (_filled.TryGetValue(key, out var known))
        {
            return known;
        }

        var node = _nodes[position];
        for (var r = 0; r < counts.Length && node is not null; r++)
        {
            if (counts[r] > 0 && !_allowed[r][position])
            {
                node = null;
            }

            for (var n = 0; n < counts[r] && node is not null; n++)
            {
                var (cpu, memory) = GangCapacity.Beside(node);
                node = cpu < _roles[r].CpuMilli || memory < _roles[r].MemoryBytes ? null : With(node, r, n);
            }
        }

        return _filled[key] = node;
    }

    private NodeInfo? With(NodeInfo node, int role, int number)
    {
        var request = _roles[role].Request;
        if (!DeviceAllocator.TryPick(_members[role], node, _cards, out var pick, out _))
        {
            return null;
        }

        var pod = _members[role] with { Uid = string.Create(CultureInfo.InvariantCulture, $"role {role} member {number}") };
        return NodeInfo.Build(node.Facts, node.Allocations.Add(new Allocation(pod, node.Facts.Name, pick.ToAssignment(request, node), AllocationState.Promised)));
    }

    private static long Times(long free, long each) => each > 0 ? Math.Clamp(free / each, 0, WholeGpuCapacity.MostMembers) : WholeGpuCapacity.MostMembers;
}
