using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// The life of gangs: who waits, who has a place, who may be bound. Thread-safe.
/// </summary>
/// <remarks>
/// Invariants.
/// (1) A plan gets all its devices in the ledger in one step, or none. So two gangs cannot hold half of what they need each, and wait
/// for each other.
/// (2) No member is bound while fewer than the gang needs are bound or have come to bind; then all that have come are promised
/// their devices in one step.
/// (3) A gang whose members do not come gives back every device that is not bound, after a time, all at once.
/// (4) What is bound, or about to be, never moves: plans are made around it.
/// (5) Of the gangs that wait, one is due next (<see cref="GangRank"/>). The nodes where it lacks least are kept for it: whoever comes after it
/// gets there what it cannot use, and no more. It may be placed elsewhere at any time. Its turn ends after a time, so that one that waits
/// for ever keeps nothing from others for ever; and a gang that not even the empty cluster could hold has no turn.
/// (6) Pods are removed for a gang only when that gives it all it needs; then all pods of their jobs are, and the nodes are kept for it.
/// (7) The place of a bound member that is gone is kept for a while for the one that replaces it, if the gang needs one.
/// (8) What is kept in here may be lost at any time: with the ledger filled from the API, the gang goes on around its bound members.
/// Members that want no GPU are counted among those present, and let through once the gang has its places. They have no place in the
/// plan and nobody waits for them at bind, because kube-scheduler need not ask about them at all.
/// Nothing in here runs by itself: <see cref="Sweep"/> has to be called at intervals.
/// </remarks>
public sealed class GangScheduler
{
    /// <summary>How long it counts which nodes kube-scheduler offered a member: about as long as it lets a refused pod lie.</summary>
    private static readonly TimeSpan s_offerLife = TimeSpan.FromMinutes(2);

    /// <summary>How soon a gang without a place is looked at again by itself.</summary>
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    /// <summary>So long after the start it counts that members may have been refused by the process before this one, and put aside.</summary>
    private static readonly TimeSpan s_inheritance = TimeSpan.FromMinutes(1);

    /// <summary>Most doublings of <see cref="GangOptions.Backoff"/>.</summary>
    private const int MostDoublings = 5;

    /// <summary>How long kube-scheduler has to delete the victims that it was told: then we do. Also how soon a delete is repeated.</summary>
    private static readonly TimeSpan s_evictAgain = TimeSpan.FromSeconds(5);

    /// <summary>Most single pods that are remembered because nodes were kept from them.</summary>
    private const int MostTurnedAway = 4096;

    /// <summary>Most refused pods that are remembered beyond the members that the watch shows.</summary>
    private const int MostStrangers = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<GangKey, GangEntry> _entries = [];
    private readonly ClusterState _cluster;
    private GangOptions _options;
    private Deciders _deciders;
    private GangPlanner _planner;
    private readonly HashSet<string> _turnedAway = new(StringComparer.Ordinal);
    private readonly HashSet<string> _toWake = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (GangKey For, DateTimeOffset Due)> _evictions = new(StringComparer.Ordinal);
    private volatile KeptNodes? _kept;
    private Joint? _joint;
    private long _joints;
    private DateTimeOffset? _breakUntil;
    private readonly Dictionary<string, (DateTimeOffset Next, int Tries)> _releases = new(StringComparer.Ordinal);
    private DateTimeOffset? _started;

    internal GangScheduler(ClusterState cluster, Deciders deciders)
    {
        _cluster = cluster;
        Apply(deciders);
    }

    /// <summary>Goes on with other settings, from the next step on: what is planned, held and waited for stays.</summary>
    [MemberNotNull(nameof(_options), nameof(_deciders), nameof(_planner))]
    internal void Apply(Deciders deciders)
    {
        var options = deciders.Options.Gangs!;
        if (options.KeepLimit <= TimeSpan.Zero || options.EvictionHold <= TimeSpan.Zero || options.BatchLimit < TimeSpan.Zero || options.ReplaceHold < TimeSpan.Zero)
        {
            throw new ArgumentException("KeepLimit and EvictionHold have to be above zero, and BatchLimit and ReplaceHold not below", nameof(deciders));
        }

        lock (_gate)
        {
            _options = options;
            _deciders = deciders;
            _planner = new GangPlanner(_cluster, deciders);
            _kept = _kept is { } kept ? new KeptNodes(kept.Claims, deciders) : null;
        }
    }

    /// <summary>Runs what takes long, on a thread of its own.</summary>
    internal Func<Func<GangBatchPlan>, Task<GangBatchPlan>> Background { get; set; } =
        static work => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Pods that have to go, and that are not seen to.</summary>
    internal IReadOnlyCollection<string> Victims => _evictions.Keys;

    /// <summary>What is kept at the moment.</summary>
    internal IReadOnlyList<GangClaim> Claims => _kept?.Claims ?? [];

    private DateTimeOffset Now => _cluster.Time.GetUtcNow();

    /// <summary>True for a pod that is placed with others or not at all.</summary>
    public bool Owns(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return pod.Gang is not null && _cluster.FindGroup(pod) is { Standing: not PodGroupStanding.Single };
    }

    /// <summary>
    /// Decides whether a pod may be placed now. For the member of a gang that is complete, the whole gang is planned at this moment,
    /// unless it is already. A member that is let through holds its place.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes that kube-scheduler offers, -1 for one that is not known.</param>
    /// <returns>Null to go on; else why no node will do.</returns>
    public Status? Admit(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates)
    {
        ArgumentNullException.ThrowIfNull(pod);
        ArgumentNullException.ThrowIfNull(snapshot);
        if (pod.Gang is null || _cluster.FindGroup(pod) is not { Standing: not PodGroupStanding.Single } group)
        {
            return null;
        }

        lock (_gate)
        {
            SeeDepartures();
            var entry = EntryOf(group.Key);
            Reconcile(entry, group, pod);
            var refusal = Decide(entry, group, pod, snapshot, candidates);
            entry.ToWake.Remove(pod.Uid);
            if (refusal is null)
            {
                entry.Refused.Remove(pod.Uid);
            }
            else
            {
                entry.Refused.Add(pod.Uid);
                if (refusal == Reasons.DecidedElsewhere)
                {
                    Wake(entry, pod); // it has a place, and is to be asked about again
                }
            }

            return refusal;
        }
    }

    /// <summary>Why <see cref="Admit"/> would refuse every node before it looks for a place; null when it would look. Changes nothing.</summary>
    internal Status? Foresee(PodInfo pod) =>
        pod.Gang is not null && _cluster.FindGroup(pod) is { Standing: not PodGroupStanding.Single } group ? WhatItWaitsFor(group, pod) : null;

    /// <summary>What is kept from a single pod, as it was last worked out; null when nothing is. Changes nothing.</summary>
    internal KeptNodes? KeptNow(PodInfo single) => _kept?.From(single);

    /// <summary>
    /// A member has come to bind. The answer comes when all that the gang needs have come, or are bound: then its devices are promised.
    /// It is a refusal when they do not come in time, or when the pod has no such place by the plan.
    /// </summary>
    /// <param name="pod">The pod; one that <see cref="Owns"/> is true for.</param>
    /// <param name="node">The node that it is to be bound to.</param>
    public Task<PromiseResult> ArriveAsync(PodInfo pod, string node)
    {
        ArgumentNullException.ThrowIfNull(pod);
        if (_cluster.FindGroup(pod) is not { } group)
        {
            return Task.FromResult(Promise(pod, node));
        }

        lock (_gate)
        {
            var entry = EntryOf(group.Key);
            Reconcile(entry, group, pod);
            if (!pod.Request.WantsGpu)
            {
                return Task.FromResult(group.Standing == PodGroupStanding.Complete && HasPlaces(group) ? Promise(pod, node) : PromiseResult.Refused($"gang {group.Key} has no places yet"));
            }

            if (!_cluster.TryGetAllocation(pod.Uid, out var held) || held.State == AllocationState.Tentative)
            {
                entry.Refused.Add(pod.Uid);
                return Task.FromResult(PromiseResult.Refused($"gang {group.Key} holds no place for this pod any more: it has to be planned again"));
            }

            if (held.State != AllocationState.Planned)
            {
                // Bound already, or on the way by an earlier bind whose outcome is not known: then it is put aside until that is.
                entry.Refused.Add(pod.Uid);
                return Task.FromResult(Promise(pod, node));
            }

            if (held.Node != node)
            {
                entry.Refused.Add(pod.Uid);
                Wake(entry, pod);
                return Task.FromResult(PromiseResult.Refused($"the plan of gang {group.Key} has this pod on node {held.Node}"));
            }

            if (entry.Arrived.Remove(pod.Uid, out var earlier))
            {
                earlier.Tell(PromiseResult.Refused("a later bind of this pod took the place of this one"));
            }
            else if (entry.Arrived.Count == 0)
            {
                entry.FirstArrival = Now;
            }

            var arrival = new GangArrival(pod, node);
            entry.Arrived.Add(pod.Uid, arrival);
            Renew(entry, group);
            TryOpen(entry, group);
            return arrival.Answer;
        }
    }

    /// <summary>The bind of a member failed for certain. It keeps its place: it comes again, or is deleted, or the place expires.</summary>
    public void BindFailed(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        lock (_gate)
        {
            _cluster.TakeBack([pod.Uid]);
            if (_cluster.FindGroup(pod) is { } group && _cluster.TryGetAllocation(pod.Uid, out var held) && held.State == AllocationState.Planned)
            {
                var entry = EntryOf(group.Key);
                entry.Held.Add(pod.Uid);
                entry.Note(Now, $"bind of {pod.Name} failed");
                Renew(entry, group);
                Wake(entry, pod);
            }
        }
    }

    /// <summary>
    /// Plans a gang and has its members run, without kube-scheduler: all that it needs and as many more as there is room for, or none.
    /// Members that run already stay. For clusters that nobody else decides on.
    /// </summary>
    internal GangPlan Run(GangKey gang)
    {
        lock (_gate)
        {
            SeeDepartures();
            var group = _cluster.FindGroup(gang) ?? throw new ArgumentException($"there is no gang {gang}", nameof(gang));
            if (group.Standing != PodGroupStanding.Complete)
            {
                return GangOutcome.Undecided(group.Reason).Plan;
            }

            var outcome = _planner.Plan(group, static _ => null, static _ => false);
            foreach (var member in outcome.Held)
            {
                var node = _cluster.TryGetAllocation(member.Uid, out var held) ? held.Node : "";
                if (Promise(member, node) is { IsGranted: false, Refusal: var why })
                {
                    throw new InvalidOperationException($"pod {member} has a place on node {node} by the plan of gang {gang}, and was refused there: {why}");
                }

                _cluster.Run(member.Uid);
            }

            return outcome.Plan;
        }
    }

    /// <summary><see cref="Sweep"/>, and then what is to be done about it outside.</summary>
    /// <param name="evictions">For <see cref="TakeToEvict"/>; 0 where nobody evicts.</param>
    /// <param name="releases">For <see cref="TakeToRelease"/>; 0 where nobody removes gates.</param>
    /// <param name="wakes">For <see cref="TakeToWake"/>; 0 where nobody wakes.</param>
    public GangTurn TakeTurn(int evictions, int releases, int wakes)
    {
        long joints;
        bool any;
        lock (_gate)
        {
            (joints, any) = (_joints, _entries.Count > 0);
        }

        Sweep();
        var (toEvict, toRelease, toWake) = (TakeToEvict(evictions), TakeToRelease(releases), TakeToWake(wakes));
        lock (_gate)
        {
            return new GangTurn(toEvict, toRelease, toWake, _joints != joints, !any && _entries.Count == 0 && toEvict.Count + toRelease.Count + toWake.Count == 0);
        }
    }

    /// <summary>
    /// What time and the cluster bring: members that are gone, plans that nobody came for, waits at bind that are over, and gangs that
    /// have a place now. To be called a few times a second.
    /// </summary>
    public void Sweep()
    {
        var waiting = new List<GangEntry>();
        lock (_gate)
        {
            SeeDepartures();
            foreach (var key in _cluster.Gangs)
            {
                if (!_entries.ContainsKey(key) && _cluster.FindGroup(key) is { Standing: not PodGroupStanding.Single })
                {
                    EntryOf(key);
                }
            }

            foreach (var entry in _entries.Values.ToList())
            {
                if (_cluster.FindGroup(entry.Key) is not { Standing: not PodGroupStanding.Single } group)
                {
                    GiveUp(entry, null, "the gang is gone");
                    _entries.Remove(entry.Key);
                    continue;
                }

                Reconcile(entry, group, null);
                CheckVacancies(entry, group);
                TryOpen(entry, group);
                if (entry.Arrived.Count > 0 && Now - entry.FirstArrival >= _options.BarrierTimeout)
                {
                    Pause(entry, group, Lacking(entry, group));
                }
                else if (entry.Held.Count > 0 && Now >= entry.Expires)
                {
                    Pause(entry, group, "its members did not come in time");
                }

                waiting.Add(entry);
            }
        }

        lock (_gate)
        {
            Keep();
            FinishJoint();
            waiting = [.. waiting.OrderBy(RankOf)];
            StartJoint(waiting);
        }

        // In order, and not all under one lock: a filter may come in between.
        var (snapshot, queued) = (_cluster.Current, 0);
        GangEntry? next = null;
        foreach (var entry in waiting)
        {
            lock (_gate)
            {
                var group = _cluster.FindGroup(entry.Key);
                if (group is { Standing: PodGroupStanding.Complete } && _joint?.Has(entry.Key) != true
                    && (IsWorthATry(entry, group, snapshot) || (Now - entry.TriedAt >= s_retry && HasSpoiltPlace(group, snapshot))))
                {
                    TryPlan(entry, group, null);
                }

                var waits = group is not null && Waits(entry, group);
                entry.QueuePlace = waits ? ++queued : 0;
                if (entry.Room is { } room && (group is null || HasPlaces(group) || IsInVain(entry, room, snapshot)))
                {
                    entry.Room = null;
                }

                if (waits && next is null && TakesItsTurn(entry, group!))
                {
                    next = entry;
                }
                else
                {
                    entry.Claim = null;
                }

                (entry.TurnBegan, entry.HadTurn) = waits ? (entry.TurnBegan, entry.HadTurn) : (null, false);
                Keep();
            }
        }

        lock (_gate)
        {
            EndRound(waiting, next);
        }
    }

    /// <summary>
    /// Pending members that kube-scheduler has put aside because they were refused, and that would be let through now; each is given
    /// once. The most urgent gang comes first: by priority, then by age.
    /// </summary>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<PodInfo> TakeToWake(int most)
    {
        lock (_gate)
        {
            var pods = new List<PodInfo>();
            foreach (var entry in _entries.Values.Where(e => e.ToWake.Count > 0).OrderByDescending(e => _cluster.FindGroup(e.Key)?.Priority ?? int.MinValue).ThenBy(e => e.Created))
            {
                foreach (var pod in entry.ToWake.Values.OrderBy(p => p.Name, StringComparer.Ordinal).Take(most - pods.Count).ToList())
                {
                    entry.ToWake.Remove(pod.Uid);
                    pods.Add(pod);
                }
            }

            foreach (var uid in _toWake.Take(most - pods.Count).ToList())
            {
                _toWake.Remove(uid);
                if (_cluster.TryGetPod(uid, out var pod) && pod.NodeName is null)
                {
                    pods.Add(pod);
                }
            }

            return pods;
        }
    }

    /// <summary>
    /// Pods that have to be deleted for gangs, because kube-scheduler was not told to or did not: it deletes only what is on the node of the
    /// member that it asked for, and jobs go whole or not at all. Each is given again while it is there.
    /// </summary>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<GangEviction> TakeToEvict(int most)
    {
        lock (_gate)
        {
            var due = new List<GangEviction>();
            foreach (var (uid, eviction) in _evictions.OrderBy(e => e.Value.Due).ThenBy(e => e.Key, StringComparer.Ordinal).ToList())
            {
                if (!_cluster.TryGetPod(uid, out var pod) || pod.IsTerminating)
                {
                    _evictions.Remove(uid);
                }
                else if (eviction.Due <= Now && due.Count < most)
                {
                    _evictions[uid] = eviction with { Due = Now + s_evictAgain };
                    due.Add(new GangEviction(pod, eviction.For));
                }
            }

            return due;
        }
    }

    /// <summary>
    /// Members whose gate is to be removed now: of gangs that hold all the places they need, those that have one themselves, the most
    /// urgent gang first (by priority, then by age) and each gang in the order of its members; and pods that turned out to be placed one
    /// by one. Each is given again, after pauses that double, until the watch shows it without the gate.
    /// </summary>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<GangRelease> TakeToRelease(int most)
    {
        lock (_gate)
        {
            var snapshot = _cluster.Current;
            var gated = new HashSet<string>(StringComparer.Ordinal);
            var due = new List<GangRelease>();
            foreach (var group in _cluster.Gangs.Select(_cluster.FindGroup).OfType<PodGroup>()
                .Where(g => g.Members.Any(m => m.IsHeldByGangGate))
                .OrderByDescending(g => g.Priority).ThenBy(g => _entries.GetValueOrDefault(g.Key)?.Created ?? DateTimeOffset.MaxValue).ThenBy(g => g.Key.ToString(), StringComparer.Ordinal))
            {
                var isSingle = group.Standing == PodGroupStanding.Single;
                var mayGo = isSingle || (group.Standing == PodGroupStanding.Complete && HasPlaces(group));
                foreach (var member in group.Members.Where(m => m.IsHeldByGangGate))
                {
                    gated.Add(member.Uid);
                    Allocation? held = null;
                    var isPlaced = isSingle || !member.Request.WantsGpu
                        || (_cluster.TryGetAllocation(member.Uid, out held) && held.State == AllocationState.Planned && GangPlanner.IsStillGood(member, held, snapshot));
                    if (mayGo && isPlaced && due.Count < most && !(_releases.TryGetValue(member.Uid, out var last) && Now < last.Next))
                    {
                        _releases[member.Uid] = (Now + (s_retry * (1 << Math.Min(last.Tries, MostDoublings))), last.Tries + 1);
                        due.Add(new GangRelease(member, held is not null && member.Demands is { Unjudged: null } ? held.Node : null));
                    }
                }
            }

            foreach (var uid in _releases.Keys.Where(u => !gated.Contains(u)).ToList())
            {
                _releases.Remove(uid);
            }

            return due;
        }
    }

    /// <summary>
    /// Whom kube-scheduler is to remove for a member. The room for the whole gang is worked out once for a cluster as it stands, and only where it
    /// gives the gang all that it needs; each member is answered with those of its victims that are on the node planned for it, the same each
    /// time. All others of theirs are given by <see cref="TakeToEvict"/> from then on.
    /// </summary>
    /// <param name="pod">The member.</param>
    /// <param name="candidates">The nodes that kube-scheduler would make room on.</param>
    internal IReadOnlyList<PreemptionCandidate> Preempt(PodInfo pod, IEnumerable<PreemptionCandidate> candidates)
    {
        var nodes = candidates.DistinctBy(c => c.Node, StringComparer.Ordinal).ToDictionary(c => c.Node, StringComparer.Ordinal);
        lock (_gate)
        {
            SeeDepartures();
            if (!pod.Request.WantsGpu || _cluster.FindGroup(pod) is not { Standing: PodGroupStanding.Complete } group || !MayPreempt(group))
            {
                return [];
            }

            var entry = EntryOf(group.Key);
            Reconcile(entry, group, pod);
            if (HasPlaces(group) || Now < entry.PausedUntil || _joint?.Has(entry.Key) == true || !MakeRoom(entry, group, pod, nodes.Values))
            {
                return [];
            }

            var room = entry.Room!;
            var left = room.Victims.Select(v => _cluster.TryGetPod(v.Uid, out var now) && !now.IsTerminating ? now : null).OfType<PodInfo>().ToList();
            var node = room.Nominate(pod, n => nodes.ContainsKey(n) && left.Exists(v => v.NodeName == n));
            foreach (var victim in left)
            {
                var told = victim.NodeName == node;
                if (!_evictions.TryGetValue(victim.Uid, out var eviction) || (told && eviction.Due <= Now))
                {
                    _evictions[victim.Uid] = (entry.Key, told ? Now + s_evictAgain : Now);
                }
            }

            return node is null ? [] : [nodes[node] with { VictimUids = [.. left.Where(v => v.NodeName == node).Select(v => v.Uid)] }];
        }
    }

    /// <summary>What is kept from a single pod; null when nothing is.</summary>
    internal KeptNodes? KeptFrom(PodInfo single)
    {
        if (_cluster.HasDeparted)
        {
            lock (_gate)
            {
                SeeDepartures();
            }
        }

        return _kept?.From(single);
    }

    /// <summary>A single pod found no node because of what is kept. It is woken when that changes.</summary>
    internal void TurnedAway(PodInfo single)
    {
        lock (_gate)
        {
            if (_turnedAway.Count < MostTurnedAway)
            {
                _turnedAway.Add(single.Uid);
            }

            _toWake.Remove(single.Uid);
        }
    }

    /// <summary>The gate of a member could not be removed. It is tried again.</summary>
    /// <param name="pod">The member.</param>
    /// <param name="why">Why, in words.</param>
    public void ReleaseFailed(PodInfo pod, string why)
    {
        ArgumentNullException.ThrowIfNull(pod);
        lock (_gate)
        {
            if (_cluster.FindGroup(pod) is { } group && _entries.GetValueOrDefault(group.Key) is { } entry)
            {
                entry.Note(Now, $"the gate of {pod.Name} could not be removed: {why}");
            }
        }
    }

    /// <summary>Where a gang that is not there would go now. Nothing is held, and nothing remembered.</summary>
    /// <param name="group">The gang; complete.</param>
    /// <param name="nodes">The nodes that it may go to; null for all.</param>
    public GangTrial Try(PodGroup group, IReadOnlySet<string>? nodes = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        return group.Standing == PodGroupStanding.Complete
            ? _planner.Try(group, node => nodes?.Contains(node) != false, _kept?.From(group.Key, new GangRank(false, group.Priority, Now, group.Key.ToString()), hasPlaces: false))
            : throw new ArgumentException($"gang {group.Key} is not complete", nameof(group));
    }

    /// <summary>All gangs, ordered by namespace and name.</summary>
    public ImmutableArray<GangView> List()
    {
        var keys = _cluster.Gangs.OrderBy(k => k.Namespace, StringComparer.Ordinal).ThenBy(k => k.Name, StringComparer.Ordinal).ThenBy(k => k.Dialect, StringComparer.Ordinal);
        lock (_gate)
        {
            return [.. keys.Select(ViewOf).OfType<GangView>()];
        }
    }

    /// <summary>The gangs of a name: several when two dialects use it.</summary>
    public ImmutableArray<GangView> Find(string @namespace, string name)
    {
        lock (_gate)
        {
            return [.. _cluster.Gangs.Where(k => k.Namespace == @namespace && k.Name == name).OrderBy(k => k.Dialect, StringComparer.Ordinal).Select(ViewOf).OfType<GangView>()];
        }
    }

    /// <summary>How many gangs are in which state.</summary>
    public IReadOnlyDictionary<GangState, int> CountStates() => List().CountBy(v => v.State).ToDictionary();

    private Status? Decide(GangEntry entry, PodGroup group, PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates)
    {
        if (!pod.Request.WantsGpu || group.Standing != PodGroupStanding.Complete)
        {
            return WhatItWaitsFor(group, pod);
        }

        // A pod whose affinity names its node is never offered another.
        var isGlance = pod.PlannedNode is null && IsGlance(entry, pod, snapshot, candidates);
        if (_cluster.TryGetAllocation(pod.Uid, out var held) && held.State != AllocationState.Tentative)
        {
            if (held.State != AllocationState.Planned)
            {
                return snapshot.Index.Find(held.Node) >= 0 ? null : Reasons.GangPaused.Because($"the pod may be bound to node {held.Node}, which is gone; that has to be known first");
            }

            if (snapshot.Index.Find(held.Node) is >= 0 and var position && candidates.Contains(position) && GangPlanner.IsStillGood(pod, held, snapshot))
            {
                Renew(entry, group);
                return null;
            }

            if (isGlance)
            {
                return Reasons.DecidedElsewhere;
            }

            entry.Note(Now, $"{pod.Name} cannot go to node {held.Node}");
        }

        if (!isGlance && pod.PlannedNode is null)
        {
            Offered(entry, pod, held?.Node, NamesOf(snapshot, candidates));
        }

        if (Now < entry.PausedUntil)
        {
            return Reasons.GangPaused.Because($"gang {group.Key} gave its places back ({entry.Reason}) and tries again in a moment");
        }

        if (IsLeaving(group))
        {
            return Reasons.GangPaused.Because($"gang {group.Key} is being removed for a more urgent one, and begins anew when all of it is gone");
        }

        if (_joint?.Has(entry.Key) == true)
        {
            return Reasons.GangUnplaced.Because($"gang {group.Key} is being planned together with others");
        }

        TryPlan(entry, group, pod);
        if (_cluster.TryGetAllocation(pod.Uid, out held) && held.State == AllocationState.Planned)
        {
            return null;
        }

        return HasPlaces(group)
            ? Reasons.GangElastic.Because($"gang {group.Key} has all that it needs and no room for more members")
            : (MayPreempt(group) ? Reasons.GangCrowded : Reasons.GangUnplaced).Because($"gang {group.Key} has no place: {WhyUnplaced(entry)}");
    }

    /// <summary>What has to be there before a place is looked for, and is not; null when all is.</summary>
    private Status? WhatItWaitsFor(PodGroup group, PodInfo pod) => group.Standing switch
    {
        PodGroupStanding.Invalid => Reasons.GangInvalid.Because($"gang {group.Key}: {group.Reason}"),
        not PodGroupStanding.Complete => Reasons.GangIncomplete.Because($"gang {group.Key}: {group.Reason}"),
        _ => pod.Request.WantsGpu || HasPlaces(group) ? null : Reasons.GangUnplaced.Because($"gang {group.Key} waits for places for its members with GPUs"),
    };

    /// <summary>
    /// True when a node is offered alone that was not the time before. kube-scheduler asks first about the node alone on which pods were removed
    /// for this one, however long ago, and about all of them right afterwards: it is no reason to plan anew. Asked the same again, it is.
    /// </summary>
    private static bool IsGlance(GangEntry entry, PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates)
    {
        var alone = candidates.Length == 1 && candidates[0] >= 0 ? snapshot.Nodes[candidates[0]]?.Facts.Name : null;
        var before = entry.Glances.GetValueOrDefault(pod.Uid);
        if (alone is null || alone == before)
        {
            entry.Glances.Remove(pod.Uid);
            return false;
        }

        entry.Glances[pod.Uid] = alone;
        return true;
    }

    /// <summary>Remembers where members of a shape may go. One node alone says something of this pod, and only what is new of the others.</summary>
    private void Offered(GangEntry entry, PodInfo pod, string? refused, HashSet<string> nodes)
    {
        var shape = GangShapeKey.Of(pod);
        if (nodes.Count == 1 && OffersOf(entry, null)(shape) is { } before)
        {
            nodes.UnionWith(before.Where(n => n != refused));
        }

        entry.Offers[shape] = new GangOffer(nodes, Now);
    }

    /// <summary>Plans with the least change: first only those without a place, then all that are not bound.</summary>
    private void TryPlan(GangEntry entry, PodGroup group, PodInfo? asking)
    {
        var start = _cluster.Time.GetTimestamp();
        var generation = _cluster.Current.Generation;
        _planner.HoldFixed(group);
        var offers = OffersOf(entry, asking);
        var kept = KeptFrom(entry, group);
        var outcome = _planner.Plan(group, offers, member => member.Uid != asking?.Uid, kept, entry.Room?.Nominations);
        if (!outcome.Plan.IsPlaced && group.Members.Any(m => m.Uid != asking?.Uid && IsPlanned(m.Uid)))
        {
            outcome = _planner.Plan(group, offers, static _ => false, kept, entry.Room?.Nominations);
        }

        (entry.TriedGeneration, entry.TriedGroup, entry.TriedKept) = (generation, group, _kept);
        Conclude(entry, group, asking, outcome, kept, _cluster.Time.GetElapsedTime(start));
    }

    /// <summary>Writes down what came of an attempt, and tells those whom it concerns.</summary>
    private void Conclude(GangEntry entry, PodGroup group, PodInfo? asking, GangOutcome outcome, KeptNodes? kept, TimeSpan took)
    {
        entry.Plan = outcome.Plan;
        entry.Domain = outcome.Domain;
        entry.Network = outcome.Network;
        entry.TriedAt = Now;
        _options.Observer?.Planned(group.Key, outcome.Plan, took);
        if (!outcome.Plan.IsPlaced)
        {
            entry.Reason = kept is null ? outcome.Plan.Proof.Why : $"{outcome.Plan.Proof.Why}, beside what is kept for gang {kept.Claims[0].Gang}";
            entry.Note(Now, $"no place: {entry.Reason}");
            GiveUp(entry, group, $"the gang has no place: {entry.Reason}");
            return;
        }

        entry.Reason = "";
        entry.Held.UnionWith(group.Members.Where(m => m.PlannedNode is not null && IsPlanned(m.Uid)).Select(m => m.Uid));
        if (!outcome.Held.IsEmpty)
        {
            entry.Held.UnionWith(outcome.Held.Select(p => p.Uid));
            entry.Note(Now, $"{outcome.Held.Length} {(outcome.Held.Length == 1 ? "place" : "places")} planned{(outcome.Domain.Length > 0 ? $" in {outcome.Domain}" : "")}: {outcome.Plan.Proof}");
        }

        CheckVacancies(entry, group);
        if (entry.Claim is not null || (entry.Room is not null && HasPlaces(group)))
        {
            (entry.Claim, entry.TurnBegan, entry.Room) = (null, null, null);
        }

        Keep();

        // Those at bind whose place is another one now have to come again.
        foreach (var arrival in entry.Arrived.Values.Where(a => !(_cluster.TryGetAllocation(a.Pod.Uid, out var held) && held.Node == a.Node)).ToList())
        {
            Dismiss(entry, arrival, "the gang was planned anew");
        }

        Renew(entry, group);
        foreach (var member in group.Members.Where(m => m.Uid != asking?.Uid && entry.Refused.Contains(m.Uid) && (!m.Request.WantsGpu || IsPlanned(m.Uid))))
        {
            Wake(entry, member);
        }
    }

    private Func<GangShapeKey, HashSet<string>?> OffersOf(GangEntry entry, PodInfo? asking) => shape =>
    {
        var offer = entry.Offers.GetValueOrDefault(shape) ?? (asking is null ? null : entry.Offers.GetValueOrDefault(GangShapeKey.Of(asking)));
        return offer is not null && Now - offer.At < s_offerLife ? offer.Nodes : null;
    };

    private GangRank RankOf(GangEntry entry) =>
        _cluster.FindGroup(entry.Key) is { } group
            ? new GangRank(group.Standing == PodGroupStanding.Complete && Shortage(group, _planner.IsFirm) > 0 && group.Members.Any(m => m.Request.WantsGpu && _planner.IsFirm(m.Uid)), group.Priority, entry.Created, entry.Key.ToString())
            : new GangRank(false, int.MinValue, entry.Created, entry.Key.ToString());

    private KeptNodes? KeptFrom(GangEntry entry, PodGroup group) => _kept?.From(entry.Key, RankOf(entry), HasPlaces(group));

    private bool Waits(GangEntry entry, PodGroup group) =>
        group.Standing == PodGroupStanding.Complete && entry.Plan is { IsPlaced: false } && !IsLeaving(group) && Now >= entry.PausedUntil && !HasPlaces(group);

    /// <summary>Why it has no place, with where it stands among those that wait.</summary>
    private static string WhyUnplaced(GangEntry entry) =>
        entry.Claim is { } claim ? $"{entry.Reason}; it is due next, and {Nodes(claim)} kept for it"
        : entry.QueuePlace > 0 ? $"{entry.Reason}; it is number {entry.QueuePlace} of those that wait"
        : entry.Reason;

    private static string Nodes(GangClaim claim) => claim.Members.Count == 1 ? "1 node is" : $"{claim.Members.Count} nodes are";

    /// <summary>Keeps nodes for the first of those that wait, or leaves it to the next when its turn is over or nothing would help it.</summary>
    private bool TakesItsTurn(GangEntry entry, PodGroup group)
    {
        if (!_options.KeepForNext || Now < _breakUntil || entry.HadTurn)
        {
            return false;
        }

        if (Now - (entry.TurnBegan ??= Now) >= _options.KeepLimit)
        {
            (entry.HadTurn, entry.TurnBegan) = (true, null);
            entry.Note(Now, "its turn to have nodes kept for it is over");
            return false;
        }

        if (entry.Room is not null)
        {
            return true;
        }

        var offers = OffersOf(entry, null);
        var isGood = entry.Claim is { } present && present.Rank == RankOf(entry) && _planner.IsStillGood(present, group, offers);
        var generation = _cluster.Current.Generation;
        if (isGood && (entry.ClaimGeneration == generation || Now - entry.ClaimedAt < s_retry))
        {
            return true;
        }

        (entry.ClaimGeneration, entry.ClaimedAt) = (generation, Now);
        var kept = KeptFrom(entry, group);
        var best = _planner.Claim(group, RankOf(entry), offers, kept, entry.Plan?.Shortfall, entry.Network);
        if (isGood && (best is null || best.Value.Lacking >= _planner.Lacking(entry.Claim!.Members.SelectMany(on => on.Value.Select(m => (m, on.Key))), kept)))
        {
            // Nodes are changed only for ones where it lacks less: it comes nearer with every change, and ends.
            return true;
        }

        entry.Claim = best?.Claim;
        if (best is { } found)
        {
            entry.Note(Now, $"it is due next; {Nodes(found.Claim)} kept for it, where it lacks {found.Lacking} {(found.Lacking == 1 ? "GPU" : "GPUs")}");
        }

        return best is not null;
    }

    /// <summary>True when room was made and is not, or not in time: all have gone, and the gang still has no place, because a more urgent one took it.</summary>
    private bool IsInVain(GangEntry entry, GangRoom room, Snapshot snapshot) =>
        Now >= room.Until || (!room.Victims.Any(v => _cluster.TryGetPod(v.Uid, out _)) && entry.TriedGeneration == snapshot.Generation);

    /// <summary>When all have had their turn nothing is kept for as long as one turn is, and then it begins anew.</summary>
    private void EndRound(List<GangEntry> waiting, GangEntry? next)
    {
        if (next is not null || Now < _breakUntil || !waiting.Exists(e => e.HadTurn))
        {
            return;
        }

        if (_breakUntil is null)
        {
            _breakUntil = Now + _options.KeepLimit;
            return;
        }

        _breakUntil = null;
        waiting.ForEach(e => e.HadTurn = false);
    }

    /// <summary>Lets others see for whom nodes are kept now. Those from whom they were kept are to ask again.</summary>
    private void Keep()
    {
        var claims = _entries.Values.Select(e => e.Kept).OfType<GangClaim>().OrderBy(c => c.Rank).ToImmutableArray();
        if ((_kept?.Claims ?? []).SequenceEqual(claims))
        {
            return;
        }

        _kept = claims.IsEmpty ? null : new KeptNodes(claims, _deciders);
        _toWake.UnionWith(_turnedAway);
        _turnedAway.Clear();
    }

    // ---- places of members that are gone

    /// <summary>
    /// Keeps the places of bound members that are gone for those that replace them. Whether one was deleted or has ended is not known, so that
    /// of a gang that ends member by member something is kept in vain, and not for long.
    /// </summary>
    private void SeeDepartures()
    {
        if (!_cluster.HasDeparted)
        {
            return;
        }

        foreach (var gone in _cluster.TakeDeparted())
        {
            if (_options.ReplaceHold > TimeSpan.Zero && !_evictions.ContainsKey(gone.Pod.Uid) && _cluster.FindGroup(gone.Pod) is { Standing: not PodGroupStanding.Single } group)
            {
                var entry = EntryOf(group.Key);
                entry.Vacancies.Add(new GangVacancy(gone.Pod, gone.Node, Now + _options.ReplaceHold));
                CheckVacancies(entry, group, changed: true);
                if (entry.Vacancies.Count > 0)
                {
                    entry.Note(Now, $"{gone.Pod.Name} is gone from {gone.Node}; its place is kept for the one that replaces it");
                }
            }
        }

        Keep();
    }

    /// <summary>Lets go what is not needed any more: in time, with all members that the gang needs, or when nobody of it is left to work with them.</summary>
    private void CheckVacancies(GangEntry entry, PodGroup group, bool changed = false)
    {
        if (entry.Vacancies.Count == 0)
        {
            return;
        }

        var lives = !IsLeaving(group) && group.Members.Any(m => m.Request.WantsGpu && _planner.IsFirm(m.Uid));
        var lacks = !lives ? 0
            : group.Standing == PodGroupStanding.Complete ? Shortage(group, uid => IsPlanned(uid) || _planner.IsFirm(uid))
            : Math.Max(0, group.MinMembers - group.Members.Count(m => _planner.IsFirm(m.Uid)));
        var before = entry.Vacancies.Count;
        entry.Vacancies.RemoveAll(v => v.Until <= Now);
        entry.Vacancies.RemoveRange(0, Math.Max(0, entry.Vacancies.Count - lacks));
        if (changed || entry.Vacancies.Count != before)
        {
            entry.Vacated = entry.Vacancies.Count == 0
                ? null
                : new GangClaim(entry.Key, new GangRank(true, group.Priority, entry.Created, entry.Key.ToString()), entry.Vacancies.Select(v => (v.Pod, v.Node)), "of which a member there is being replaced");
        }
    }

    /// <summary>True while members have to go for another gang. Others would follow them otherwise, and count as the rest of a gang that runs in part.</summary>
    private bool IsLeaving(PodGroup group) => _evictions.Count > 0 && group.Members.Any(m => _evictions.ContainsKey(m.Uid));

    private bool MayPreempt(PodGroup group) => _options is { Preempts: true, Placer: IGangSolver } && !group.Members.Any(m => m.NeverPreempts);

    /// <summary>True when room is being made for a gang, or can be from now on.</summary>
    private bool MakeRoom(GangEntry entry, PodGroup group, PodInfo asking, IEnumerable<PreemptionCandidate> candidates)
    {
        var generation = _cluster.Current.Generation;
        if (entry.Room is not null)
        {
            return true;
        }

        if (entry.RoomTried.Generation == generation || Now - entry.RoomTried.At < s_retry)
        {
            return false;
        }

        entry.RoomTried = (generation, Now);
        var guarded = candidates.Where(c => c.PdbViolations > 0).SelectMany(c => c.VictimUids).ToHashSet(StringComparer.Ordinal);
        entry.Room = _planner.MakeRoom(group, RankOf(entry), OffersOf(entry, asking), KeptFrom(entry, group), guarded);
        if (entry.Room is { } room)
        {
            entry.Note(Now, $"removed for it: {room.Jobs}");
        }

        Keep();
        return entry.Room is not null;
    }

    // ---- several at once

    /// <summary>Begins to plan those together that would each have a place alone, if they are several.</summary>
    private void StartJoint(List<GangEntry> waiting)
    {
        if (_joint is not null || _options.BatchLimit == TimeSpan.Zero || _options.Placer is not IGangSolver solver)
        {
            return;
        }

        var snapshot = _cluster.Current;
        var due = waiting.Select(e => (Entry: e, Group: _cluster.FindGroup(e.Key)))
            .Where(d => d.Group is { Standing: PodGroupStanding.Complete } group && Waits(d.Entry, group) && d.Entry.Room is null && IsWorthATry(d.Entry, group, snapshot)
                && !group.Members.Any(m => IsPlanned(m.Uid) || _planner.IsFirm(m.Uid)) && _planner.FitsAlone(group, OffersOf(d.Entry, null), KeptFrom(d.Entry, group)))
            .Select(d => (d.Entry, d.Group!)).ToList();
        if (due.Count < 2)
        {
            return;
        }

        // What is kept from the last of them is kept from all, but for what is kept for one of them: they are planned as one.
        var kept = KeptFrom(due[^1].Entry, due[^1].Item2)?.Beside(gang => due.Exists(d => d.Entry.Key == gang));
        var next = Math.Max(0, due.FindIndex(d => d.Entry.Claim is not null));
        var together = _planner.Together([.. due.Select(d => (d.Item2, OffersOf(d.Entry, null)))], kept, _options.WeightDecides ? null : next);
        var limit = new SolveLimit(_cluster.Time, _options.BatchLimit);
        _joint = new Joint(together, next, (_options.Background ?? Background)(() => solver.PlaceAll(together.Batch, limit)));
    }

    /// <summary>Holds what was planned together, as far as it is still good, gang by gang in their order; the others are planned by themselves.</summary>
    private void FinishJoint()
    {
        if (_joint is not { Plan.IsCompleted: true } joint)
        {
            return;
        }

        _joint = null;
        _joints++;
        var plans = joint.Plan.GetAwaiter().GetResult().Plans;
        var isGood = _options.WeightDecides || plans[joint.Next].IsPlaced;
        for (var i = 0; i < plans.Length; i++)
        {
            if (_entries.TryGetValue(joint.Together.Groups[i].Key, out var entry) && _cluster.FindGroup(entry.Key) is { } group && Waits(entry, group))
            {
                if (isGood && plans[i].IsPlaced && ReferenceEquals(group, joint.Together.Groups[i]) && joint.Together.Hold(i, plans[i], _options.WeightDecides ? KeptFrom(entry, group)?.Beside(joint.Has) : KeptFrom(entry, group)) is { } outcome)
                {
                    Conclude(entry, group, null, outcome, null, plans[i].Proof.Elapsed);
                }
            }
        }

        foreach (var key in joint.Together.Groups.Select(g => g.Key))
        {
            if (_entries.TryGetValue(key, out var entry) && _cluster.FindGroup(key) is { } group && Waits(entry, group))
            {
                TryPlan(entry, group, null);
            }
        }
    }

    /// <summary>True when members wait for a place, and something has changed since none was found: the cluster, the gang, or that offers have run out.</summary>
    private bool IsWorthATry(GangEntry entry, PodGroup group, Snapshot snapshot) =>
        Now >= entry.PausedUntil
        && !IsLeaving(group)
        && (entry.Refused.Count > 0 || group.Members.Any(m => m.IsHeldByGangGate))
        && (entry.TriedGeneration != snapshot.Generation || !ReferenceEquals(entry.TriedGroup, group) || entry.TriedKept != _kept || entry.Offers.Values.Any(o => o.At + s_offerLife <= Now && o.At + s_offerLife > entry.TriedAt))
        && Now - entry.TriedAt >= s_retry
        && group.Members.Any(m => m.Request.WantsGpu && (entry.Refused.Contains(m.Uid) || m.IsHeldByGangGate) && !(_cluster.TryGetAllocation(m.Uid, out var held) && held.State != AllocationState.Tentative));

    /// <summary>True when the planned place of a gated member will not do any more. For the others kube-scheduler's next question shows it.</summary>
    private bool HasSpoiltPlace(PodGroup group, Snapshot snapshot) => group.Members.Any(m =>
        m.IsHeldByGangGate && _cluster.TryGetAllocation(m.Uid, out var held) && held.State == AllocationState.Planned && !GangPlanner.IsStillGood(m, held, snapshot));

    /// <summary>Forgets members that are gone, with what they held.</summary>
    private void Reconcile(GangEntry entry, PodGroup group, PodInfo? asking)
    {
        if (entry.Held.Count + entry.Arrived.Count + entry.Refused.Count == 0)
        {
            return;
        }

        var members = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in group.Members)
        {
            members.Add(member.Uid);
            if (member.NodeName is not null)
            {
                entry.Refused.Remove(member.Uid);
            }
        }

        if (asking is not null)
        {
            members.Add(asking.Uid);
        }

        // A pod that the watch has not shown yet is no member, and is not gone; when it is deleted the ledger knows.
        bool IsOut(string uid) => !members.Contains(uid) && _cluster.TryGetPod(uid, out _);
        foreach (var uid in entry.Held.Where(IsOut).ToList())
        {
            Abandon(uid);
        }

        entry.Held.RemoveWhere(uid => !IsPlanned(uid));
        foreach (var arrival in entry.Arrived.Values.Where(a => !IsPlanned(a.Pod.Uid)).ToList())
        {
            Dismiss(entry, arrival, "the pod is gone");
        }

        if (entry.Refused.Count > (2 * members.Count) + MostStrangers)
        {
            entry.Refused.RemoveWhere(uid => !members.Contains(uid));
        }

        foreach (var uid in entry.Glances.Keys.Where(u => !members.Contains(u)).ToList())
        {
            entry.Glances.Remove(uid);
        }

        foreach (var uid in entry.ToWake.Keys.Where(u => !members.Contains(u)).ToList())
        {
            entry.ToWake.Remove(uid);
        }
    }

    /// <summary>Lets those who wait at bind go on if that is all that the gang needs.</summary>
    private void TryOpen(GangEntry entry, PodGroup group)
    {
        if (entry.Arrived.Count == 0 || group.Standing != PodGroupStanding.Complete || Missing(entry, group) > 0)
        {
            return;
        }

        var promises = new List<(GangArrival Arrival, PromiseResult Result)>();
        foreach (var arrival in entry.Arrived.Values)
        {
            var result = Promise(arrival.Pod, arrival.Node);
            if (!result.IsGranted)
            {
                _cluster.TakeBack(promises.Select(p => p.Arrival.Pod.Uid));
                GiveUp(entry, group, $"{arrival.Pod.Name} cannot be bound to {arrival.Node}: {result.Refusal}");
                return;
            }

            promises.Add((arrival, result));
        }

        entry.Arrived.Clear();
        entry.Held.ExceptWith(promises.Select(p => p.Arrival.Pod.Uid));

        // Should a bind fail, in whatever way, kube-scheduler puts the pod aside.
        entry.Refused.UnionWith(promises.Select(p => p.Arrival.Pod.Uid));
        entry.Failures = 0;
        Renew(entry, group);
        var waited = Now - entry.FirstArrival;
        entry.Note(Now, $"{promises.Count} {(promises.Count == 1 ? "member goes" : "members go")} on to be bound");
        _options.Observer?.Opened(entry.Key, promises.Count, waited);
        foreach (var (arrival, result) in promises)
        {
            arrival.Tell(result);
        }
    }

    /// <summary>Members that the gang needs and that are neither bound nor at bind.</summary>
    private int Missing(GangEntry entry, PodGroup group) => Shortage(group, uid => entry.Arrived.ContainsKey(uid) || _planner.IsFirm(uid));

    private bool HasPlaces(PodGroup group) => Shortage(group, uid => IsPlanned(uid) || _planner.IsFirm(uid)) == 0;

    private static int Shortage(PodGroup group, Predicate<string> isThere) =>
        group.Roles.Where(r => r.Request.WantsGpu).Sum(r => Math.Max(0, r.MinMembers - r.Members.Count(m => isThere(m.Uid))));

    private string Lacking(GangEntry entry, PodGroup group) =>
        group.Standing == PodGroupStanding.Complete ? $"{Missing(entry, group)} of {group.MinMembers} members did not come to bind in time" : group.Reason;

    /// <summary>Gives back all that is not bound, and leaves it to others for a while.</summary>
    private void Pause(GangEntry entry, PodGroup group, string why)
    {
        entry.Reason = why;
        entry.PausedUntil = Now + (_options.Backoff * (1 << Math.Min(entry.Failures++, MostDoublings)));
        entry.Refused.UnionWith(group.Members.Where(m => m.NodeName is null).Select(m => m.Uid));
        GiveUp(entry, group, why);
    }

    /// <summary>Gives back all that is not bound, and sends back those who wait at bind.</summary>
    private void GiveUp(GangEntry entry, PodGroup? group, string why)
    {
        var any = entry.Held.Count > 0 || entry.Arrived.Count > 0;
        foreach (var arrival in entry.Arrived.Values.ToList())
        {
            Dismiss(entry, arrival, why);
        }

        foreach (var uid in entry.Held.Concat(group?.Members.Select(m => m.Uid) ?? []).ToList())
        {
            Abandon(uid);
        }

        entry.Held.Clear();
        entry.ToWake.Clear();
        if (any)
        {
            entry.Note(Now, $"all places given back: {why}");
            _options.Observer?.Released(entry.Key, why);
        }
    }

    private void Dismiss(GangEntry entry, GangArrival arrival, string why)
    {
        entry.Arrived.Remove(arrival.Pod.Uid);
        entry.Refused.Add(arrival.Pod.Uid);
        arrival.Tell(PromiseResult.Refused($"gang {entry.Key}: {why}"));
        if (IsPlanned(arrival.Pod.Uid))
        {
            Wake(entry, arrival.Pod);
        }
    }

    private void Abandon(string uid)
    {
        if (IsPlanned(uid))
        {
            _cluster.Abandon(uid);
        }
    }

    private static void Wake(GangEntry entry, PodInfo pod)
    {
        // One with a gate is not in kube-scheduler's queue.
        if (pod.SchedulingGates.IsEmpty)
        {
            entry.ToWake[pod.Uid] = pod;
        }
    }

    private void Renew(GangEntry entry, PodGroup group) => entry.Expires = Now + (group.Timeout ?? _options.PlanHold);

    private bool IsPlanned(string uid) => _cluster.TryGetAllocation(uid, out var held) && held.State == AllocationState.Planned;

    private PromiseResult Promise(PodInfo pod, string node)
    {
        var decider = _deciders.For(pod);
        return _cluster.Promise(pod, node, decider.Judge(pod), decider.Profile.CardOrder);
    }

    private GangEntry EntryOf(GangKey key)
    {
        if (!_entries.TryGetValue(key, out var entry))
        {
            _entries[key] = entry = new GangEntry(key, Now);
            _started ??= Now;
            if (Now - _started < s_inheritance && _cluster.FindGroup(key) is { } group)
            {
                entry.Refused.UnionWith(group.Members.Where(m => m.NodeName is null).Select(m => m.Uid));
            }
        }

        return entry;
    }

    private static HashSet<string> NamesOf(Snapshot snapshot, ReadOnlySpan<int> candidates)
    {
        var names = new HashSet<string>(candidates.Length, StringComparer.Ordinal);
        foreach (var position in candidates)
        {
            if (position >= 0 && snapshot.Nodes[position] is { } node)
            {
                names.Add(node.Facts.Name);
            }
        }

        return names;
    }

    private GangView? ViewOf(GangKey key)
    {
        if (_cluster.FindGroup(key) is not { Standing: not PodGroupStanding.Single } group)
        {
            return null;
        }

        var entry = _entries.GetValueOrDefault(key);
        var members = group.Members.Select(m => new GangMemberView(
            m.Name, m.Uid, m.Gang!.Role, m.Request.WantsGpu, _cluster.TryGetAllocation(m.Uid, out var held) ? held : null, entry?.Arrived.ContainsKey(m.Uid) == true)).ToImmutableArray();
        var state = StateOf(group, members);
        return new GangView
        {
            Group = group,
            State = state,
            Reason = group.Reason.Length > 0 ? group.Reason : state == GangState.Unplaced && entry is not null ? WhyUnplaced(entry) : "",
            QueuePlace = state == GangState.Unplaced && entry is { QueuePlace: > 0 } ? entry.QueuePlace : null,
            KeptNodes = entry?.Kept is { } claim ? [.. claim.Members.Keys.Order(StringComparer.Ordinal)] : [],
            Members = members,
            Plan = entry?.Plan,
            Domain = entry?.Domain ?? "",
            Expires = entry is { Held.Count: > 0 } ? entry.Expires : null,
            History = entry is null ? [] : [.. entry.History],
        };
    }

    private GangState StateOf(PodGroup group, ImmutableArray<GangMemberView> members) => group.Standing switch
    {
        PodGroupStanding.Invalid => GangState.Invalid,
        PodGroupStanding.Waiting => GangState.Waiting,
        _ when Shortage(group, _planner.IsFirm) == 0 => members.Any(m => m.Allocation?.State == AllocationState.Promised) ? GangState.Binding : GangState.Running,
        _ when members.Any(m => m.WaitsAtBind || (m.WantsGpu && m.Allocation is { } held && GangPlanner.IsFirm(held.State))) && HasPlaces(group) => GangState.Binding,
        _ => HasPlaces(group) ? GangState.Planned : GangState.Unplaced,
    };

    /// <summary>Gangs that are being planned together.</summary>
    /// <param name="Together">The gangs.</param>
    /// <param name="Next">Which of them is due next.</param>
    /// <param name="Plan">What is thought of.</param>
    private sealed record Joint(GangPlanner.GangsTogether Together, int Next, Task<GangBatchPlan> Plan)
    {
        public bool Has(GangKey gang) => Together.Groups.Any(g => g.Key == gang);
    }
}
