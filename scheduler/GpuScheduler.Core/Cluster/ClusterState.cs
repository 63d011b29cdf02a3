using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// The cluster as the API tells it and the ledger completes it. Takes events in any order, on any thread, and publishes snapshots.
/// </summary>
/// <remarks>
/// Invariants.
/// (1) A device is promised to one pod: promises are made under the lock, on what the ledger says is free at that moment.
/// (2) What the API says of a bound pod wins over what the ledger had, and what the kubelet of its node says over both.
/// (3) A bind of ours is not forgotten because an older list or event shows the pod unbound: it yields to a newer truth (the pod
/// bound, gone, or unbound in a consistent list) or to its expiry.
/// (4) A published snapshot never changes.
/// (5) Fed with the nodes, what is said of their GPUs, and the pods of the API alone, a new instance arrives at the same bound and presumed allocations.
/// </remarks>
public sealed class ClusterState
{
    /// <summary>Most departures that are remembered for a reader who does not come.</summary>
    private const int MostDeparted = 4096;

    private readonly Lock _gate = new();
    private readonly Ledger _ledger;
    private readonly Dictionary<string, int> _positions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NodeObject> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NodeReport> _reports = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<FactSource, NodeStatement>> _statements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PodInfo> _pods = new(StringComparer.Ordinal);
    private readonly PodGroupTable _groups = new();
    private readonly Dictionary<string, DeviceAssignment> _truths = new(StringComparer.Ordinal); // what a pod holds where that is not what its annotation says
    private readonly Queue<Allocation> _departed = [];
    private volatile bool _hasDeparted;
    private readonly Dictionary<string, Status> _closed = new(StringComparer.Ordinal); // nodes that we are about to change, and why nobody may come
    private readonly Stack<int> _freePositions = new();
    private readonly ChangeLog _log = new();
    private readonly List<int> _unpublished = [];
    private string?[] _names = [];
    private NodeFacts?[] _facts = [];
    private NodeInfo?[] _nodes = [];       // by position; null where it is free or must be built anew
    private bool[] _isUnpublished = [];
    private int _used;
    private long _factsVersion;
    private bool _namesChanged;
    private volatile bool _dirty;
    private readonly IReadOnlyList<NetworkLevel> _levels;
    private Lazy<NetworkTopology> _topology = new(NetworkTopology.Empty);
    private bool _placesChanged;
    private Snapshot _snapshot;

    /// <summary>An empty cluster.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="options">How long holds last.</param>
    /// <param name="levels">The levels of the network, innermost first; null for <see cref="NetworkLevel.Defaults"/>.</param>
    public ClusterState(TimeProvider time, LedgerOptions options, IReadOnlyList<NetworkLevel>? levels = null)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(options);
        Time = time;
        _ledger = new Ledger(time, options);
        _levels = levels ?? NetworkLevel.Defaults;
        _snapshot = new Snapshot(0, 0, new NodeIndex([]), default, _topology);
    }

    /// <summary>True to place nothing on nodes that are marked as being changed (<see cref="MigLabels.To"/>): for a process that ends such changes.</summary>
    public bool ClosesChangingNodes { get; init; }

    /// <summary>How long holds last that are made from now on; those that there are keep their end.</summary>
    public LedgerOptions Holds
    {
        get
        {
            lock (_gate)
            {
                return _ledger.Options;
            }
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            lock (_gate)
            {
                _ledger.Options = value;
            }
        }
    }

    /// <summary>Hears of changes from outside; null for nobody. Several are one (<see cref="ClusterObservers"/>).</summary>
    public IClusterObserver? Observer { get; init; }

    /// <summary>The clock of the holds.</summary>
    internal TimeProvider Time { get; }

    /// <summary>The newest snapshot.</summary>
    public Snapshot Current
    {
        get
        {
            if (_dirty)
            {
                lock (_gate)
                {
                    Publish();
                }
            }

            return Volatile.Read(ref _snapshot);
        }
    }

    /// <summary>The newest snapshot, and what is different in it from an earlier one.</summary>
    /// <param name="since">How many changes had been seen; receives how many there are now.</param>
    /// <param name="positions">Receives the positions that changed since, each once.</param>
    /// <param name="snapshot">The newest snapshot.</param>
    /// <param name="someHeld">True when something is held tentatively in it.</param>
    /// <returns>False when the earlier snapshot is too old to tell: everything may have changed.</returns>
    internal bool TryCatchUp(ref long since, List<int> positions, out Snapshot snapshot, out bool someHeld)
    {
        lock (_gate)
        {
            Publish();
            snapshot = _snapshot;
            someHeld = _ledger.Tentative > 0;
            var known = _log.TryList(since, positions);
            since = _log.Count;
            return known;
        }
    }

    /// <summary>All pods that are known and have not ended, in no order.</summary>
    public IReadOnlyList<PodInfo> Pods
    {
        get
        {
            lock (_gate)
            {
                return [.. _pods.Values];
            }
        }
    }

    /// <summary>Lets no pod that wants a GPU come to a node any more, unless one has something there, if only tentatively.</summary>
    /// <param name="node">The node.</param>
    /// <param name="why">What such pods are told.</param>
    /// <returns>False when it is in use, or gone; then nothing has changed.</returns>
    public bool TryClose(string node, Status why)
    {
        ArgumentNullException.ThrowIfNull(why);
        lock (_gate)
        {
            if (!_positions.ContainsKey(node) || _ledger.On(node).Any(a => a.UsesGpu))
            {
                return false;
            }

            _closed[node] = why;
            Refresh(node);
            return true;
        }
    }

    /// <summary>Ends <see cref="TryClose"/>. A node that is marked stays closed until the mark is gone, too.</summary>
    public void Open(string node)
    {
        lock (_gate)
        {
            if (_closed.Remove(node))
            {
                Refresh(node);
            }
        }
    }

    /// <summary>
    /// A cluster of its own that stands as this one does, but for tentative holds, which are guesses: to try on it what is not to happen here.
    /// Nodes keep their positions. Decisions wait only while references are taken, not while the copy is built.
    /// </summary>
    /// <param name="settled">
    /// True for a copy that will go its own way: what a pod holds, or is about to be bound with, is its assignment there, whoever says it here;
    /// what kubelets say of pods is left out; plans of gangs are, too.
    /// </param>
    /// <param name="taken">Called under the lock: what observers hear from then on is what the copy lacks.</param>
    internal ClusterState Copy(bool settled = false, Action? taken = null)
    {
        var copy = new ClusterState(Time, _ledger.Options, _levels) { ClosesChangingNodes = ClosesChangingNodes };
        KeyValuePair<string, NodeReport>[] reports;
        PodInfo[] pods;
        Allocation[] allocations;
        NodeObject?[] objects;
        NodeFacts?[] facts;
        int[] free;
        lock (_gate)
        {
            reports = [.. _reports];
            pods = [.. _pods.Values];
            allocations = [.. _ledger.All];
            facts = _facts[.._used];
            objects = Array.ConvertAll(_names[.._used], name => name is null ? null : _objects[name]);
            free = [.. _freePositions];
            foreach (var (node, ofNode) in _statements)
            {
                copy._statements[node] = new(ofNode);
            }

            foreach (var (uid, devices) in _truths)
            {
                if (!settled)
                {
                    copy._truths[uid] = devices;
                }
            }

            foreach (var (node, why) in _closed)
            {
                copy._closed[node] = why;
            }

            copy._groups.CopyObjectsFrom(_groups);
            taken?.Invoke();
        }

        foreach (var (node, report) in reports)
        {
            copy._reports[node] = settled ? report with { Held = [] } : report;
        }

        foreach (var pod in pods)
        {
            copy._pods[pod.Uid] = pod;
        }

        foreach (var allocation in allocations)
        {
            if (settled && Settle(allocation, copy._pods.GetValueOrDefault(allocation.Pod.Uid) ?? allocation.Pod) is { } bound)
            {
                copy._pods[bound.Pod.Uid] = bound.Pod;
                copy._ledger.Put(bound);
            }
            else if (!settled && allocation.State != AllocationState.Tentative)
            {
                copy._ledger.Put(allocation);
            }
        }

        foreach (var pod in copy._pods.Values)
        {
            copy._groups.Change(null, pod);
        }

        copy.Reserve(objects.Length);
        for (var position = 0; position < objects.Length; position++)
        {
            if (objects[position] is { } node)
            {
                copy.Adopt(position, node, facts[position]!);
            }
        }

        copy._used = objects.Length;
        foreach (var position in free.Reverse())
        {
            copy._freePositions.Push(position);
        }

        return copy;
    }

    /// <summary>What a pod holds as if the API said so; null when it holds nothing that lasts.</summary>
    private static Allocation? Settle(Allocation allocation, PodInfo pod) => allocation.State switch
    {
        AllocationState.Tentative or AllocationState.Planned => null,
        AllocationState.Presumed => allocation,
        _ when allocation.Devices.Devices.IsEmpty && pod.NodeName == allocation.Node => allocation,
        _ when ReferenceEquals(allocation.Devices, pod.Assignment) && pod.NodeName == allocation.Node => allocation,
        _ => new Allocation(
            pod with { NodeName = allocation.Node, Assignment = allocation.Devices.Devices.IsEmpty ? pod.Assignment : allocation.Devices, PeerAssignment = null, AssignmentError = null },
            allocation.Node, allocation.Devices, AllocationState.Bound),
    };

    /// <summary>Pods that ask for GPUs, wait for a node, and hold nothing: in no order.</summary>
    internal IReadOnlyList<PodInfo> PodsWithoutPlace()
    {
        lock (_gate)
        {
            return
            [
                .. _pods.Values.Where(p => p.WaitsForGpus && !(_ledger.TryGet(p.Uid, out var held) && held.State != AllocationState.Tentative)),
            ];
        }
    }

    /// <summary>Adds a node that is like another, with nobody on it, no data cached, and all its GPUs well.</summary>
    /// <param name="model">Name of the node that it is like.</param>
    /// <param name="name">Its own name.</param>
    /// <param name="labels">Its labels by those of the model.</param>
    internal void AddLike(string model, string name, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> labels)
    {
        lock (_gate)
        {
            var node = _objects[model];
            if (_reports.TryGetValue(model, out var report))
            {
                _reports[name] = report with { Held = [], CachedData = [], Gpus = [.. report.Gpus.Select(g => g with { Uuid = null, Healthy = true, HealthReason = null })] };
            }

            if (_statements.TryGetValue(model, out var statements))
            {
                _statements[name] = statements.ToDictionary(s => s.Key, s => AsNew(s.Value));
            }

            Upsert(node with
            {
                Name = name,
                Labels = DataReach.WithoutCached(labels(node.Labels)),
                CachedData = null,
                Taints = [.. node.Taints.Where(t => !t.IsCondition)],
                Statement = node.Statement is { } own ? AsNew(own) : null,
            });
        }
    }

    private static NodeStatement AsNew(NodeStatement statement) =>
        statement with { Cordoned = [], Gpus = [.. statement.Gpus.Select(g => g with { Uuid = null, Healthy = null, HealthReason = null })] };

    /// <summary>Number of allocations by state, for metrics.</summary>
    public IReadOnlyDictionary<AllocationState, int> CountAllocations()
    {
        lock (_gate)
        {
            return _ledger.All.CountBy(a => a.State).ToDictionary();
        }
    }

    /// <summary>When the oldest hold that expires was made, by state, for metrics; a state without such a hold is left out.</summary>
    public IReadOnlyDictionary<AllocationState, DateTimeOffset> OldestHolds()
    {
        lock (_gate)
        {
            return _ledger.Oldest();
        }
    }

    /// <summary>The pod of a UID, as last seen on the API.</summary>
    public bool TryGetPod(string uid, [NotNullWhen(true)] out PodInfo? pod)
    {
        lock (_gate)
        {
            return _pods.TryGetValue(uid, out pod);
        }
    }

    /// <summary>The pod of a name, as last seen on the API; null when there is none that has not ended. Looks through all pods: for people who ask, not for decisions.</summary>
    public PodInfo? FindPod(string podNamespace, string name)
    {
        lock (_gate)
        {
            foreach (var pod in _pods.Values)
            {
                if (pod.Name == name && pod.Namespace == podNamespace)
                {
                    return pod;
                }
            }

            return null;
        }
    }

    /// <summary>What a pod holds.</summary>
    public bool TryGetAllocation(string podUid, [NotNullWhen(true)] out Allocation? allocation)
    {
        lock (_gate)
        {
            return _ledger.TryGet(podUid, out allocation);
        }
    }

    /// <summary>Grows whenever a pod that is in a gang, or an object that declares groups, changes.</summary>
    public long GroupVersion
    {
        get
        {
            lock (_gate)
            {
                return _groups.Version;
            }
        }
    }

    /// <summary>All gangs of which a pod exists that has not ended, in no order.</summary>
    public ImmutableArray<GangKey> Gangs
    {
        get
        {
            lock (_gate)
            {
                return _groups.Keys;
            }
        }
    }

    /// <summary>A gang as it stands; null when no pod of it exists.</summary>
    public PodGroup? FindGroup(GangKey key)
    {
        lock (_gate)
        {
            return _groups.Find(key);
        }
    }

    /// <summary>The gang of a pod as it stands, the pod counted among its members even if it was not seen yet; null when it is in none.</summary>
    public PodGroup? FindGroup(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        lock (_gate)
        {
            return _groups.FindFor(pod);
        }
    }

    /// <summary>An object that declares groups; null when it is not known.</summary>
    public GroupObject? FindGroupObject(GroupObjectId id)
    {
        lock (_gate)
        {
            return _groups.Find(id);
        }
    }

    /// <summary>An object that declares groups was added or changed; it may come before its pods, or after them.</summary>
    public void UpsertGroupObject(GroupObject item)
    {
        ArgumentNullException.ThrowIfNull(item);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.GroupsChanging(new GroupObjectChange { Upserted = item });
            _groups.Upsert(item);
        }
    }

    /// <summary>An object that declares groups is gone.</summary>
    public void DeleteGroupObject(GroupObjectId id)
    {
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.GroupsChanging(new GroupObjectChange { Deleted = id });
            _groups.Remove(id);
        }
    }

    /// <summary>All objects of a kind, as of now.</summary>
    /// <param name="kind">One of <see cref="GroupKinds"/>.</param>
    /// <param name="items">The objects; null when they cannot be seen, because the API server has no such kind or does not show it.</param>
    public void ReplaceGroupObjects(string kind, IReadOnlyCollection<GroupObject>? items)
    {
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.GroupsChanging(new GroupObjectChange { Kind = kind, All = items });
            _groups.Replace(kind, items);
        }
    }

    /// <summary>A node was added or changed.</summary>
    public void UpsertNode(NodeObject node)
    {
        ArgumentNullException.ThrowIfNull(node);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.UpsertNode) { Nodes = [node] });
            Upsert(node);
        }
    }

    /// <summary>A node is gone. What its pods hold stays in the ledger until they are gone, too.</summary>
    public void DeleteNode(string name)
    {
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.DeleteNode) { Name = name });
            Delete(name);
        }
    }

    /// <summary>All nodes, as of now: those not listed are gone.</summary>
    public void ReplaceNodes(IReadOnlyCollection<NodeObject> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.ReplaceNodes) { Nodes = nodes });
            var listed = nodes.Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var name in _objects.Keys.Where(n => !listed.Contains(n)).ToList())
            {
                Delete(name);
            }

            foreach (var node in nodes)
            {
                Upsert(node);
            }
        }
    }

    /// <summary>A node report was added or changed; it may come before its node.</summary>
    public void UpsertReport(string node, NodeReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.UpsertReport) { Name = node, Reports = new Dictionary<string, NodeReport> { [node] = report } });
            Put(node, report);
        }
    }

    /// <summary>What is known against the devices of a node's pods: unfit devices, and, by its report, others than were promised.</summary>
    public ImmutableArray<ReportFinding> Findings(string node)
    {
        lock (_gate)
        {
            return _positions.TryGetValue(node, out var position) ? [.. _ledger.On(node).SelectMany(a => Findings(_facts[position]!, a))] : [];
        }
    }

    /// <summary>A node report is gone: labels and the catalogue speak again.</summary>
    public void DeleteReport(string node)
    {
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.DeleteReport) { Name = node });
            if (_reports.Remove(node))
            {
                Refresh(node);
                Believe(node);
            }
        }
    }

    /// <summary>All node reports, as of now.</summary>
    public void ReplaceReports(IReadOnlyDictionary<string, NodeReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.ReplaceReports) { Reports = reports });
            foreach (var node in _reports.Keys.Where(n => !reports.ContainsKey(n)).ToList())
            {
                _reports.Remove(node);
                Refresh(node);
                Believe(node);
            }

            foreach (var (node, report) in reports)
            {
                Put(node, report);
            }
        }
    }

    /// <summary>What an object of a source says of a node was added or changed; it may come before its node.</summary>
    public void UpsertStatement(string node, NodeStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.UpsertStatement) { Name = node, Statements = new Dictionary<string, NodeStatement> { [node] = statement } });
            Put(node, statement);
        }
    }

    /// <summary>A source says nothing of a node any more: the other sources speak.</summary>
    public void DeleteStatement(string node, FactSource source)
    {
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.DeleteStatement) { Name = node, Source = source });
            Remove(node, source);
        }
    }

    /// <summary>All that a source says, by node, as of now.</summary>
    public void ReplaceStatements(FactSource source, IReadOnlyDictionary<string, NodeStatement> statements)
    {
        ArgumentNullException.ThrowIfNull(statements);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.ReplaceStatements) { Source = source, Statements = statements });
            foreach (var node in _statements.Keys.Where(n => !statements.ContainsKey(n)).ToList())
            {
                Remove(node, source);
            }

            foreach (var (node, statement) in statements)
            {
                Put(node, statement);
            }
        }
    }

    /// <summary>A pod was added or changed.</summary>
    public void UpsertPod(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.UpsertPod) { Pods = [pod] });
            Upsert(pod);
        }
    }

    /// <summary>Makes a pending pod known that no API server tells of. False when a pod of this UID is known already.</summary>
    internal bool Introduce(PodInfo pod)
    {
        lock (_gate)
        {
            if (!_pods.TryAdd(pod.Uid, pod))
            {
                return false;
            }

            _groups.Change(null, pod);
            return true;
        }
    }

    /// <summary>A pod is gone, and what it held is free.</summary>
    public void DeletePod(string uid)
    {
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.DeletePod) { Name = uid });
            Depart(uid);
            Forget(uid);
            Release(uid);
        }
    }

    /// <summary>All pods, as of now.</summary>
    /// <param name="pods">The pods.</param>
    /// <param name="consistent">True for a list that is as new as everything written before it was asked for (a quorum read); false for one from a cache.</param>
    /// <param name="asked">When it was asked for: what was promised or bound since then may be missing in it. Null for now.</param>
    public void ReplacePods(IReadOnlyCollection<PodInfo> pods, bool consistent, DateTimeOffset? asked = null)
    {
        ArgumentNullException.ThrowIfNull(pods);
        using var turn = EnterObserver();
        lock (_gate)
        {
            Observer?.Changing(new ClusterChange(ClusterChangeKind.ReplacePods) { Pods = pods, Consistent = consistent, Asked = asked });
            var listed = new Dictionary<string, PodInfo>(pods.Count, StringComparer.Ordinal);
            foreach (var pod in pods)
            {
                listed[pod.Uid] = pod;
            }

            foreach (var uid in _pods.Keys.Where(u => !listed.ContainsKey(u)).ToList())
            {
                Forget(uid);
            }

            foreach (var allocation in _ledger.All.Where(a => !listed.TryGetValue(a.Pod.Uid, out var pod) || pod.NodeName is null).ToList())
            {
                var known = listed.ContainsKey(allocation.Pod.Uid);
                var judged = consistent && (asked is null || allocation.Since < asked);
                var yields = allocation.State switch
                {
                    AllocationState.Bound or AllocationState.Presumed => !known, // bound once, a pod stays bound: a list that shows it unbound is older
                    AllocationState.Committed => judged,
                    AllocationState.Promised => judged && !known,
                    _ => !known,
                };
                if (yields)
                {
                    Depart(allocation.Pod.Uid);
                    Release(allocation.Pod.Uid);
                }
            }

            foreach (var pod in listed.Values)
            {
                Upsert(pod);
            }

            foreach (var node in _reports.Keys)
            {
                Believe(node);
            }
        }
    }

    /// <summary>Ends the holds whose time is over. Returns them; a promise or commit among them is worth a warning.</summary>
    public IReadOnlyList<Allocation> Expire()
    {
        using var turn = EnterObserver();
        lock (_gate)
        {
            var over = _ledger.Expired();
            if (over.Count > 0)
            {
                Observer?.Changing(new ClusterChange(ClusterChangeKind.Expire));
            }

            foreach (var allocation in over)
            {
                Release(allocation.Pod.Uid);
            }

            return over;
        }
    }

    /// <summary>
    /// Holds devices tentatively on the node a pod most likely goes to, in place of what it held tentatively before. Nothing
    /// happens when they are not free, or the pod already holds more firmly.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="node">Its likely node.</param>
    /// <param name="cards">Which card a share gets; null for <see cref="LeastFree"/>.</param>
    public bool Hold(PodInfo pod, string node, IShareCardOrder? cards = null)
    {
        ArgumentNullException.ThrowIfNull(pod);
        cards ??= LeastFree.Instance;
        lock (_gate)
        {
            if (_ledger.TryGet(pod.Uid, out var present) && present.State != AllocationState.Tentative)
            {
                return false;
            }

            if (NodeOf(node)?.Without(pod.Uid) is not { } info || !DeviceAllocator.TryPick(pod, info, cards, out var pick, out _))
            {
                Release(pod.Uid);
                return false;
            }

            Put(new Allocation(pod, node, pick.ToAssignment(pod.Request, info), AllocationState.Tentative));
            return true;
        }
    }

    /// <summary>
    /// Promises devices to a pod that is about to be bound, atomically.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="node">Its node.</param>
    /// <param name="judge">The filters: null when the node will do, else why not.</param>
    /// <param name="cards">Which card a share gets; null for <see cref="LeastFree"/>.</param>
    /// <returns>The promise, or why it is refused.</returns>
    public PromiseResult Promise(PodInfo pod, string node, Func<NodeInfo, string?> judge, IShareCardOrder? cards = null)
    {
        ArgumentNullException.ThrowIfNull(pod);
        cards ??= LeastFree.Instance;
        ArgumentNullException.ThrowIfNull(judge);
        lock (_gate)
        {
            if (_ledger.TryGet(pod.Uid, out var present))
            {
                switch (present.State)
                {
                    case AllocationState.Promised:
                        return PromiseResult.Refused("a bind of this pod is already on its way");
                    case AllocationState.Committed or AllocationState.Bound or AllocationState.Presumed:
                        return present.Node == node
                            ? PromiseResult.AlreadyBound(present)
                            : PromiseResult.Refused($"pod is already bound to node {present.Node}");
                    default:
                        break;
                }
            }

            if (NodeOf(node)?.Without(pod.Uid) is not { } info)
            {
                return PromiseResult.Refused($"node {node} is not known to gpu-scheduler");
            }

            // Beside the holds, or else without them: presumed pods may be guessed to be elsewhere then, so that neither implies the other.
            if (judge(info) is not null && judge(info.Firm) is { } why)
            {
                return PromiseResult.Refused(why);
            }

            // What the pod was held for, if that is still free; else what is free beside other holds; else the holds yield.
            DeviceAssignment devices;
            if (present is not null && present.Node == node && DeviceAllocator.IsStillGood(pod.Request, present.Devices, info))
            {
                devices = present.Devices;
            }
            else if (DeviceAllocator.TryPick(pod, info, cards, out var pick, out _))
            {
                devices = pick.ToAssignment(pod.Request, info);
            }
            else if (DeviceAllocator.TryPick(pod, info.Firm, cards, out pick, out var status))
            {
                devices = pick.ToAssignment(pod.Request, info.Firm);
                foreach (var hold in info.Allocations)
                {
                    if (hold.State == AllocationState.Tentative)
                    {
                        Release(hold.Pod.Uid);
                    }
                }
            }
            else
            {
                return PromiseResult.Refused(status.Reason);
            }

            var promise = new Allocation(pod, node, devices, AllocationState.Promised);
            Put(promise);
            return PromiseResult.Granted(promise);
        }
    }

    /// <summary>The bind of a promise succeeded.</summary>
    public void Commit(string podUid)
    {
        lock (_gate)
        {
            if (_ledger.TryGet(podUid, out var promise) && promise.State == AllocationState.Promised)
            {
                Put(promise with { State = AllocationState.Committed });
            }
        }
    }

    /// <summary>A promised pod runs, and nobody will say so: for clusters that no API server tells of. What it holds does not expire.</summary>
    public void Run(string podUid)
    {
        lock (_gate)
        {
            if (_ledger.TryGet(podUid, out var promise) && promise.State is AllocationState.Promised or AllocationState.Committed)
            {
                Put(promise with { State = AllocationState.Bound });
            }
        }
    }

    /// <summary>The bind of a promise failed, or a hold is not needed any more. What is bound stays.</summary>
    public void Abandon(string podUid)
    {
        lock (_gate)
        {
            if (_ledger.TryGet(podUid, out var allocation) && allocation.State is AllocationState.Promised or AllocationState.Tentative or AllocationState.Planned)
            {
                Release(podUid);
            }
        }
    }

    /// <summary>All allocations of a state, in no order.</summary>
    public IReadOnlyList<Allocation> AllocationsIn(AllocationState state)
    {
        lock (_gate)
        {
            return [.. _ledger.All.Where(a => a.State == state)];
        }
    }

    /// <summary>
    /// Holds devices for members of a gang, all at once or none: what is planned for them becomes <see cref="AllocationState.Planned"/>,
    /// in place of what they, and the pods that go without, had planned before. Tentative holds of others yield.
    /// </summary>
    /// <param name="places">Members and their nodes; several on one node get their devices in this order.</param>
    /// <param name="without">Pods whose plan ends with this.</param>
    /// <param name="judge">The filters: null when the node will do, else why not.</param>
    /// <param name="cards">Which card a share gets.</param>
    /// <returns>-1, or the index of a place that cannot be held; then nothing has changed.</returns>
    internal int HoldAll(IReadOnlyList<(PodInfo Pod, string Node)> places, IEnumerable<string> without, Func<PodInfo, NodeInfo, string?> judge, IShareCardOrder cards)
    {
        lock (_gate)
        {
            var before = new List<Allocation>();
            foreach (var uid in places.Select(p => p.Pod.Uid).Concat(without))
            {
                if (_ledger.TryGet(uid, out var present) && present.State is AllocationState.Planned or AllocationState.Tentative)
                {
                    before.Add(present);
                    Release(uid);
                }
            }

            for (var i = 0; i < places.Count; i++)
            {
                var (pod, name) = places[i];
                if (_ledger.TryGet(pod.Uid, out _) || NodeOf(name) is not { } node || !TryTake(pod, node, judge, cards, before, out var devices))
                {
                    for (var made = 0; made < i; made++)
                    {
                        Release(places[made].Pod.Uid);
                    }

                    before.ForEach(Put);
                    return i;
                }

                Put(new Allocation(pod, name, devices, AllocationState.Planned));
            }

            return -1;
        }
    }

    /// <summary>Devices beside the tentative holds, or else in their place; those that yield are added to what was before.</summary>
    private bool TryTake(PodInfo pod, NodeInfo node, Func<PodInfo, NodeInfo, string?> judge, IShareCardOrder cards, List<Allocation> before, [NotNullWhen(true)] out DeviceAssignment? devices)
    {
        if (judge(pod, node) is null && DeviceAllocator.TryPick(pod, node, cards, out var pick, out _))
        {
            devices = pick.ToAssignment(pod.Request, node);
            return true;
        }

        devices = null;
        if (!node.HasTentative || judge(pod, node.Firm) is not null || !DeviceAllocator.TryPick(pod, node.Firm, cards, out pick, out _))
        {
            return false;
        }

        devices = pick.ToAssignment(pod.Request, node.Firm);
        foreach (var hold in node.Allocations)
        {
            if (hold.State == AllocationState.Tentative)
            {
                before.Add(hold);
                Release(hold.Pod.Uid);
            }
        }

        return true;
    }

    /// <summary>The promises of gang members are taken back, because the bind failed or never began: their places stay theirs.</summary>
    internal void TakeBack(IEnumerable<string> podUids)
    {
        lock (_gate)
        {
            foreach (var uid in podUids)
            {
                if (_ledger.TryGet(uid, out var promise) && promise.State == AllocationState.Promised)
                {
                    Put(promise with { State = AllocationState.Planned });
                }
            }
        }
    }

    /// <summary>True when <see cref="TakeDeparted"/> has something to say.</summary>
    internal bool HasDeparted => _hasDeparted;

    /// <summary>
    /// What bound members of gangs held that are gone since it was asked last, whether they were deleted or have ended: the watch does not tell.
    /// </summary>
    internal IReadOnlyList<Allocation> TakeDeparted()
    {
        lock (_gate)
        {
            Allocation[] departed = [.. _departed];
            _departed.Clear();
            _hasDeparted = false;
            return departed;
        }
    }

    private NodeInfo? NodeOf(string name) => _positions.TryGetValue(name, out var position) ? NodeAt(position) : null;

    private NodeInfo? NodeAt(int position) =>
        _nodes[position] ??= _facts[position] is { } facts ? NodeInfo.Build(facts, _ledger.On(facts.Name)) : null;

    private void Upsert(PodInfo pod)
    {
        if (pod.IsTerminal)
        {
            Depart(pod.Uid);
            Forget(pod.Uid);
            Release(pod.Uid);
            return;
        }

        _groups.Change(_pods.GetValueOrDefault(pod.Uid), pod);
        _pods[pod.Uid] = pod;
        if (pod.NodeName is not { } node)
        {
            return;
        }

        var devices = _truths.GetValueOrDefault(pod.Uid) ?? pod.Assignment;

        // What another stack says that it holds counts even where we would refuse its request.
        var state = (pod.Request.WantsGpu || pod.PeerAssignment is not null) && devices is null ? AllocationState.Presumed : AllocationState.Bound;
        if (_ledger.TryGet(pod.Uid, out var present) && present.Node == node && present.State == state && ReferenceEquals(present.Pod, pod))
        {
            return;
        }

        Put(new Allocation(pod, node, devices ?? DeviceAssignment.Empty, state));
    }

    private void Put(string node, NodeReport report)
    {
        var before = _reports.GetValueOrDefault(node);
        if (report.Equals(before))
        {
            return;
        }

        _reports[node] = report;
        if (before is null || !before.HasSameFacts(report))
        {
            Refresh(node);
        }

        Believe(node);
    }

    private void Put(string node, NodeStatement statement)
    {
        if (!_statements.TryGetValue(node, out var ofNode))
        {
            _statements[node] = ofNode = [];
        }

        if (!statement.Equals(ofNode.GetValueOrDefault(statement.Source)))
        {
            ofNode[statement.Source] = statement;
            Refresh(node);
        }
    }

    private void Remove(string node, FactSource source)
    {
        if (_statements.TryGetValue(node, out var ofNode) && ofNode.Remove(source))
        {
            if (ofNode.Count == 0)
            {
                _statements.Remove(node);
            }

            Refresh(node);
        }
    }

    /// <summary>
    /// Has the pods of a node hold what its kubelet says. A pod that has just been bound is judged when the next report or list
    /// comes: a report that is older than it may speak of a pod that had the same name.
    /// </summary>
    private void Believe(string node)
    {
        var report = _reports.GetValueOrDefault(node);
        foreach (var allocation in _ledger.On(node))
        {
            if (allocation.State is not (AllocationState.Bound or AllocationState.Presumed))
            {
                continue;
            }

            var pod = allocation.Pod;
            var held = report?.HeldBy(pod);
            var truth = held is null || SameDevices(held, pod.Assignment) ? null : held;
            if (truth is null ? _truths.Remove(pod.Uid) : !truth.Equals(_truths.GetValueOrDefault(pod.Uid)))
            {
                if (truth is not null)
                {
                    _truths[pod.Uid] = truth;
                }

                var devices = truth ?? pod.Assignment;
                Put(allocation with { Devices = devices ?? DeviceAssignment.Empty, State = devices is null ? AllocationState.Presumed : AllocationState.Bound });
            }
        }
    }

    /// <summary>True for the same GPUs and MIG places; an annotation may lack UUIDs.</summary>
    private static bool SameDevices(DeviceAssignment held, DeviceAssignment? promised) =>
        promised is not null && held.Devices.Length == promised.Devices.Length
        && held.Devices.Select(Place).Order().SequenceEqual(promised.Devices.Select(Place).Order());

    private static (int Gpu, int Start) Place(AssignedDevice device) => (device.Gpu, device.Mig?.Start ?? -1);

    private IEnumerable<ReportFinding> Findings(NodeFacts facts, Allocation allocation)
    {
        var pod = allocation.Pod;
        if (allocation.State is not (AllocationState.Bound or AllocationState.Committed or AllocationState.Promised))
        {
            yield break;
        }

        foreach (var index in allocation.Devices.Devices.Select(d => facts.PositionOf(d)).Distinct().Where(g => g < facts.Gpus.Length && !facts.Gpus[g].Healthy))
        {
            var gpu = facts.Gpus[index];
            yield return new ReportFinding(pod.ToString(), $"it holds GPU {index} ({gpu.Uuid ?? "UUID unknown"}), which is unhealthy: {gpu.HealthReason ?? "no reason was given"}");
        }

        if (pod.Assignment is { } promised && _truths.TryGetValue(pod.Uid, out var held))
        {
            yield return new ReportFinding(pod.ToString(), $"it was promised {promised.ToAnnotation()} and its kubelet gave it {held.ToAnnotation()}, which is believed: the node's device plugin does not read {GpuAnnotations.AssignedDevices}");
        }
    }

    /// <summary>Remembers a member of a gang that is gone from the place where it was, or was about to be, bound.</summary>
    private void Depart(string podUid)
    {
        if (_ledger.TryGet(podUid, out var held) && held.Pod is { Gang: not null, Request.WantsGpu: true } && held.State is AllocationState.Bound or AllocationState.Presumed or AllocationState.Committed)
        {
            if (_departed.Count == MostDeparted)
            {
                _departed.Dequeue();
            }

            _departed.Enqueue(held);
            _hasDeparted = true;
        }
    }

    private void Forget(string podUid)
    {
        if (_pods.Remove(podUid, out var pod))
        {
            _groups.Change(pod, null);
        }
    }

    private void Upsert(NodeObject node)
    {
        if (_objects.TryGetValue(node.Name, out var present) && Same(present, node))
        {
            return;
        }

        _objects[node.Name] = node;
        Place(node.Name);
        Refresh(node.Name);
    }

    /// <summary>Takes a node over from a cluster that has put its facts together already.</summary>
    private void Adopt(int position, NodeObject node, NodeFacts facts)
    {
        _objects[node.Name] = node;
        _positions[node.Name] = position;
        _names[position] = node.Name;
        _namesChanged = true;
        _facts[position] = facts;
        _factsVersion++;
        _placesChanged = true;
        Touch(position);
    }

    /// <summary>The position of a node, which is a new one unless it has one already.</summary>
    private int Place(string name)
    {
        if (_positions.TryGetValue(name, out var position))
        {
            return position;
        }

        position = _freePositions.Count > 0 ? _freePositions.Pop() : _used++;
        if (position == _names.Length)
        {
            Reserve(Math.Max(64, position * 2));
        }

        _positions[name] = position;
        _names[position] = name;
        _namesChanged = true;
        return position;
    }

    private void Reserve(int size)
    {
        Array.Resize(ref _names, size);
        Array.Resize(ref _facts, size);
        Array.Resize(ref _nodes, size);
        Array.Resize(ref _isUnpublished, size);
    }

    /// <summary>True when nothing changed that the engine reads; kubelets touch their Node every few minutes.</summary>
    private static bool Same(NodeObject a, NodeObject b) =>
        Same(a.Labels, b.Labels) && Same(a.Allocatable, b.Allocatable) && a.Taints.SequenceEqual(b.Taints) && Equals(a.Statement, b.Statement)
        && a.CachedData == b.CachedData && a.ReachableData == b.ReachableData;

    private static bool Same(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b)
    {
        if (a.Count != b.Count)
        {
            return false;
        }

        foreach (var (key, value) in a)
        {
            if (!b.TryGetValue(key, out var other) || other != value)
            {
                return false;
            }
        }

        return true;
    }

    private void Delete(string name)
    {
        _objects.Remove(name);
        _closed.Remove(name);
        if (_positions.Remove(name, out var position))
        {
            _names[position] = null;
            _facts[position] = null;
            _factsVersion++;
            _freePositions.Push(position);
            _namesChanged = true;
            _placesChanged = true;
            Touch(position);
        }
    }

    private void Refresh(string name)
    {
        if (_positions.TryGetValue(name, out var position))
        {
            var before = _facts[position];
            var facts = NodeFactsBuilder.Build(_objects[name], _reports.GetValueOrDefault(name), _statements.GetValueOrDefault(name)?.Values);
            facts.Closed = _closed.GetValueOrDefault(name)
                ?? (ClosesChangingNodes && facts.Labels.TryGetValue(MigLabels.To, out var config) ? Reasons.MigChanging.Because($"{Reasons.MigChanging.Reason} to {config}") : null);
            _facts[position] = facts;
            _factsVersion++;
            _placesChanged |= before is null || before.NvlinkDomain != facts.NvlinkDomain || !Same(before.Labels, facts.Labels);
            Touch(position);
        }
    }

    private void Put(Allocation allocation)
    {
        if (_ledger.Put(allocation) is { } left)
        {
            Touch(left);
        }

        Touch(allocation.Node);
    }

    private void Release(string podUid)
    {
        _truths.Remove(podUid);
        if (_ledger.Remove(podUid) is { } node)
        {
            Touch(node);
        }
    }

    private void Touch(string node)
    {
        if (_positions.TryGetValue(node, out var position))
        {
            Touch(position);
        }
    }

    private void Touch(int position)
    {
        _nodes[position] = null;
        if (!_isUnpublished[position])
        {
            _isUnpublished[position] = true;
            _unpublished.Add(position);
        }

        _dirty = true;
    }

    private Lock.Scope EnterObserver()
    {
        if (Observer is not { Turns: { } turns } observer)
        {
            return default;
        }

        var scope = turns.EnterScope();
        observer.Entered();
        return scope;
    }

    private void Publish()
    {
        if (!_dirty)
        {
            return;
        }

        foreach (var position in _unpublished)
        {
            _isUnpublished[position] = false;
            _log.Add(position, _used);
        }

        var nodes = _snapshot.Nodes.With(_unpublished.Select(p => (p, NodeAt(p))), _used);
        _unpublished.Clear();
        var index = _namesChanged ? new NodeIndex(_names.AsSpan(0, _used)) : _snapshot.Index;
        _namesChanged = false;
        if (_placesChanged)
        {
            var places = Array.ConvertAll(_facts[.._used], static f => f is null ? null : new NetworkNode(f.Name, f.Labels, f.NvlinkDomain));
            _topology = new Lazy<NetworkTopology>(() => NetworkTopology.Build(_levels, places));
            _placesChanged = false;
        }

        Volatile.Write(ref _snapshot, new Snapshot(_snapshot.Generation + 1, _factsVersion, index, nodes, _topology));
        _dirty = false;
    }
}
