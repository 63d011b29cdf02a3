using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace GpuScheduler.Core.Reservations;

/// <summary>
/// Who holds which device until when. A pod holds at most one allocation; every allocation in the process is in here, and what is
/// free is what the node has less what is in here. Not thread-safe: its owner, the cluster state, locks.
/// </summary>
internal sealed class Ledger(TimeProvider time, LedgerOptions options)
{
    private readonly Dictionary<string, Allocation> _byPod = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedDictionary<string, Allocation>> _byNode = new(StringComparer.Ordinal);
    private readonly HashSet<string> _expiring = new(StringComparer.Ordinal);

    public int Count => _byPod.Count;

    /// <summary>How long holds last that are made from now on.</summary>
    public LedgerOptions Options { get; set; } = options;

    /// <summary>How many of the allocations are tentative.</summary>
    public int Tentative { get; private set; }

    public IEnumerable<Allocation> All => _byPod.Values;

    public bool TryGet(string podUid, [NotNullWhen(true)] out Allocation? allocation) => _byPod.TryGetValue(podUid, out allocation);

    /// <summary>The allocations on a node, ordered by the UID of the pod, so that equal contents give equal sums.</summary>
    public ImmutableArray<Allocation> On(string node) => _byNode.TryGetValue(node, out var allocations) ? [.. allocations.Values] : [];

    /// <summary>Puts an allocation in place of the one the pod had. Returns the node that the pod left, if it did.</summary>
    public string? Put(Allocation allocation)
    {
        var left = Remove(allocation.Pod.Uid);
        var hold = HoldOf(allocation.State);
        DateTimeOffset? now = hold is null ? null : time.GetUtcNow();
        allocation = allocation with { Since = now, Expires = now + hold };
        _byPod[allocation.Pod.Uid] = allocation;
        if (!_byNode.TryGetValue(allocation.Node, out var onNode))
        {
            _byNode[allocation.Node] = onNode = new(StringComparer.Ordinal);
        }

        onNode[allocation.Pod.Uid] = allocation;
        Tentative += allocation.State == AllocationState.Tentative ? 1 : 0;
        if (allocation.Expires is not null)
        {
            _expiring.Add(allocation.Pod.Uid);
        }

        return left == allocation.Node ? null : left;
    }

    /// <summary>Takes away what a pod holds. Returns the node, or null when it held nothing.</summary>
    public string? Remove(string podUid)
    {
        if (!_byPod.Remove(podUid, out var allocation))
        {
            return null;
        }

        _expiring.Remove(podUid);
        Tentative -= allocation.State == AllocationState.Tentative ? 1 : 0;
        var onNode = _byNode[allocation.Node];
        onNode.Remove(podUid);
        if (onNode.Count == 0)
        {
            _byNode.Remove(allocation.Node);
        }

        return allocation.Node;
    }

    /// <summary>The allocations whose time is over.</summary>
    public List<Allocation> Expired()
    {
        var now = time.GetUtcNow();
        var over = new List<Allocation>();
        foreach (var uid in _expiring)
        {
            if (_byPod[uid] is { } allocation && allocation.Expires <= now)
            {
                over.Add(allocation);
            }
        }

        return over;
    }

    /// <summary>When the oldest hold that expires was made, by state.</summary>
    public Dictionary<AllocationState, DateTimeOffset> Oldest()
    {
        var oldest = new Dictionary<AllocationState, DateTimeOffset>();
        foreach (var uid in _expiring)
        {
            var allocation = _byPod[uid];
            if (allocation.Since is { } since && (!oldest.TryGetValue(allocation.State, out var known) || since < known))
            {
                oldest[allocation.State] = since;
            }
        }

        return oldest;
    }

    private TimeSpan? HoldOf(AllocationState state) => state switch
    {
        AllocationState.Tentative => Options.TentativeHold,
        AllocationState.Promised => Options.PromiseHold,
        AllocationState.Committed => Options.CommitHold,
        _ => null,
    };
}
