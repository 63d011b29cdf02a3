using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Extender.Wire;

namespace GpuScheduler.Extender.Decisions;

/// <summary>The last decisions, and why each pending pod waits. Thread-safe; what it keeps is bounded.</summary>
internal sealed class DecisionLog(ClusterState cluster, ExtenderOptions options, TimeProvider time) : IDecisionRecorder
{
    /// <summary>Most pods that are not bound yet and are remembered; beyond, those that were asked about longest ago are forgotten.</summary>
    private const int MostWaiting = 65_536;

    /// <summary>Most gangs of which the last words are remembered.</summary>
    private const int MostGangs = 4096;

    /// <summary>How long a pod is taken for pending that the API does not show: filter may be the first to see it, and it may be gone.</summary>
    private readonly TimeSpan _unseen = options.Cluster is { Length: > 0 } ? TimeSpan.FromHours(1) : TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly DecisionRecord?[] _ring = new DecisionRecord?[options.Decisions.History];
    private readonly Dictionary<string, WaitingPod> _waiting = new(StringComparer.Ordinal);
    private readonly Dictionary<GangKey, string> _unplaced = [];
    private ImmutableArray<DecisionListener> _own = [];
    private ImmutableArray<DecisionListener> _listeners = [];
    private long _last;
    private int _pruneAt = 1024;

    public void Filtered(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, ReadOnlySpan<Status> statuses, int passed, string? profile = null)
    {
        var refusals = passed == candidates.Length ? [] : RefusalTally.Count(snapshot, candidates, statuses);
        Add(pod, new DecisionRecord
        {
            At = time.GetUtcNow(),
            Kind = DecisionKind.Filter,
            Generation = snapshot.Generation,
            Pod = pod,
            Gang = pod.Gang?.Key,
            Offered = candidates.Length,
            Passed = passed,
            Refusals = refusals,
            Profile = profile,
        });
    }

    public void Misunderstood(PodInfo pod, Snapshot snapshot, int offered) => Add(pod, new DecisionRecord
    {
        At = time.GetUtcNow(),
        Kind = DecisionKind.Filter,
        Generation = snapshot.Generation,
        Pod = pod,
        Gang = pod.Gang?.Key,
        Offered = offered,
        Error = pod.Invalid,
    });

    public void Preempted(PodInfo pod, Snapshot snapshot, IReadOnlyList<PreemptionCandidate> offered, IReadOnlyList<PreemptionCandidate> kept, string? profile = null) => Add(pod, new DecisionRecord
    {
        At = time.GetUtcNow(),
        Kind = DecisionKind.Preempt,
        Generation = snapshot.Generation,
        Pod = pod,
        Gang = pod.Gang?.Key,
        Offered = offered.Count,
        Passed = kept.Count,
        Profile = profile,
        Text = kept.Count == 0
            ? "removing pods helps on none of the nodes offered"
            : string.Create(CultureInfo.InvariantCulture, $"removing pods helps on {kept.Count} of {offered.Count} nodes; on {kept[0].Node} it takes {kept[0].VictimUids.Length}"),
    });

    public void Bound(BindingArgs args, PodInfo? pod, long generation, string error, DeviceAssignment devices, string? profile = null)
    {
        var known = pod ?? new PodInfo { Uid = args.PodUid, Namespace = args.PodNamespace, Name = args.PodName, Request = GpuRequest.None };
        Add(known, new DecisionRecord
        {
            At = time.GetUtcNow(),
            Kind = DecisionKind.Bind,
            Generation = generation,
            Pod = known,
            Gang = known.Gang?.Key,
            Node = args.Node,
            Devices = error.Length == 0 ? devices : null,
            Error = error.Length == 0 ? null : error,
            Profile = profile,
        });
    }

    public void Planned(GangKey gang, GangPlan plan, long generation)
    {
        var text = plan.IsPlaced
            ? string.Create(CultureInfo.InvariantCulture, $"{plan.Slots.Sum(s => s.Members)} members on {plan.Slots.Select(s => s.Position).Distinct().Count()} nodes, {plan.Proof}")
            : plan.Proof.ToString();
        AddOfGang(gang, DecisionKind.Plan, text, plan.IsPlaced ? null : text, generation);
    }

    public void Released(GangKey gang, string why, long generation) => AddOfGang(gang, DecisionKind.Release, "all places are given back", why, generation);

    /// <summary>The decisions that are remembered, the newest first.</summary>
    /// <param name="pod">namespace/name of the pod; null for all.</param>
    /// <param name="gang">namespace/name of the gang; null for all.</param>
    /// <param name="most">Most decisions that are wanted.</param>
    public IReadOnlyList<DecisionRecord> List(string? pod, string? gang, int most)
    {
        DecisionRecord?[] ring;
        long last;
        lock (_gate)
        {
            (ring, last) = ([.. _ring], _last);
        }

        var found = new List<DecisionRecord>();
        for (var sequence = last; sequence > 0 && sequence > last - ring.Length && found.Count < most; sequence--)
        {
            var record = ring[sequence % ring.Length]!;
            if ((pod is null || record.Pod?.ToString() == pod) && (gang is null || record.Gang?.ToString() == gang))
            {
                found.Add(record);
            }
        }

        return found;
    }

    /// <summary>The pods that were refused and wait, those that wait longest first.</summary>
    public IReadOnlyList<WaitingPod> Waiting()
    {
        List<WaitingPod> all;
        lock (_gate)
        {
            all = [.. _waiting.Values];
        }

        return [.. all.Where(w => w.WasRefused && !IsOver(w)).OrderBy(w => w.Since).ThenBy(w => w.Last.Sequence)];
    }

    /// <summary>A pod that was refused, or has passed, and is not bound yet; null when there is none of this name.</summary>
    public WaitingPod? FindWaiting(string podNamespace, string name)
    {
        WaitingPod? found;
        lock (_gate)
        {
            found = _waiting.Values.Where(w => w.Pod.Name == name && w.Pod.Namespace == podNamespace).MaxBy(w => w.Last.Sequence);
        }

        return found is not null && !IsOver(found) ? found : null;
    }

    /// <summary>Follows decisions from now on; null when as many do as may.</summary>
    /// <param name="capacity">How many decisions it may fall behind.</param>
    /// <param name="after">Those after this number come first, as far as they are remembered; null for none.</param>
    public DecisionListener? Listen(int capacity, long? after = null)
    {
        lock (_gate)
        {
            if (_listeners.Length >= options.Decisions.Listeners)
            {
                return null;
            }

            var listener = new DecisionListener(this, capacity, skips: false);
            for (var sequence = Math.Max(after ?? _last, _last - Math.Min(_ring.Length, capacity)) + 1; sequence <= _last; sequence++)
            {
                listener.Offer(_ring[sequence % _ring.Length]!);
            }

            _listeners = _listeners.Add(listener);
            return listener;
        }
    }

    /// <summary>As <see cref="Listen"/>, for what belongs to the service: it does not count, and what it has no room for is left out and counted.</summary>
    public DecisionListener ListenForService(int capacity)
    {
        var listener = new DecisionListener(this, capacity, skips: true);
        lock (_gate)
        {
            _own = _own.Add(listener);
            return listener;
        }
    }

    /// <summary>Ends a listener.</summary>
    internal void Remove(DecisionListener listener)
    {
        lock (_gate)
        {
            _listeners = _listeners.Remove(listener);
            _own = _own.Remove(listener);
        }
    }

    private void AddOfGang(GangKey gang, DecisionKind kind, string text, string? error, long generation)
    {
        lock (_gate)
        {
            // A gang that waits is looked at again and again: that nothing is new is no news.
            if (kind == DecisionKind.Plan && error is not null && _unplaced.TryGetValue(gang, out var said) && said == error)
            {
                return;
            }

            if (kind == DecisionKind.Plan && error is not null)
            {
                if (_unplaced.Count >= MostGangs)
                {
                    _unplaced.Clear();
                }

                _unplaced[gang] = error;
            }
            else
            {
                _unplaced.Remove(gang);
            }

            Publish(new DecisionRecord { At = time.GetUtcNow(), Kind = kind, Generation = generation, Gang = gang, Text = text, Error = error });
        }
    }

    private void Add(PodInfo pod, DecisionRecord record)
    {
        lock (_gate)
        {
            Publish(record);
            if (record is { Kind: DecisionKind.Bind, Error: null })
            {
                _waiting.Remove(pod.Uid);
            }
            else if (_waiting.TryGetValue(pod.Uid, out var waiting))
            {
                // Preemption is another answer to the same refusal, whose reasons are what one wants to know.
                _waiting[pod.Uid] = record.Kind == DecisionKind.Preempt ? waiting : waiting with { Pod = pod, Last = record, WasRefused = waiting.WasRefused || !record.Succeeded };
            }
            else
            {
                if (_waiting.Count >= _pruneAt)
                {
                    Prune();
                    _pruneAt = Math.Max(1024, _waiting.Count * 2);
                }

                _waiting[pod.Uid] = new WaitingPod(pod, record.At, record, !record.Succeeded);
            }
        }
    }

    private void Publish(DecisionRecord record)
    {
        record.Sequence = ++_last;
        _ring[_last % _ring.Length] = record;
        foreach (var listener in _own)
        {
            listener.Offer(record);
        }

        foreach (var listener in _listeners)
        {
            if (!listener.Offer(record))
            {
                _listeners = _listeners.Remove(listener);
            }
        }
    }

    private void Prune()
    {
        foreach (var (uid, waiting) in _waiting)
        {
            if (IsOver(waiting))
            {
                _waiting.Remove(uid);
            }
        }

        if (_waiting.Count > MostWaiting)
        {
            foreach (var waiting in _waiting.Values.OrderBy(w => w.Last.Sequence).Take(_waiting.Count - MostWaiting).ToList())
            {
                _waiting.Remove(waiting.Pod.Uid);
            }
        }
    }

    private bool IsOver(WaitingPod waiting) => cluster.TryGetPod(waiting.Pod.Uid, out var pod)
        ? pod.NodeName is not null
        : time.GetUtcNow() - waiting.Last.At > _unseen;
}
