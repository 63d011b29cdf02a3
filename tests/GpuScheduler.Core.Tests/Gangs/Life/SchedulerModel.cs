using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;

namespace GpuScheduler.Core.Tests.Gangs.Life;

/// <summary>
/// A model of everything around the engine, driven by a seed: an API server whose watch lags, kube-scheduler with its queue and its
/// backoff, controllers that replace pods, and every fault there is (calls lost and repeated, nodes cordoned and deleted, binds that
/// fail or whose outcome is not known, restarts of either side). An auditor that shares nothing with the engine but the names of
/// devices watches every step; a run that is wrong says so with its seed.
/// </summary>
internal sealed class SchedulerModel
{
    private const int GpusPerNode = 8;

    private static readonly ExactGangPlacer s_placer = new(); // shared: it keeps what it allocates

    /// <summary>Steps from one audit to the next: what is wrong stays so for a while, and to look costs more than a step.</summary>
    private const int AuditEvery = 4;

    private readonly int _seed;
    private readonly Random _random;
    private readonly ManualTimeProvider _time = new();
    private readonly SortedDictionary<string, bool> _nodes = new(StringComparer.Ordinal); // true: cordoned
    private readonly SortedDictionary<string, ApiPod> _pods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ApiPod> _leaving = new(StringComparer.Ordinal);   // deleted, and the watch has not said so
    private readonly Queue<Action<ClusterState>> _watch = new();
    private readonly List<GangSpec> _gangs = [];
    private readonly List<Queued> _queue = [];
    private readonly List<Bind> _binds = [];
    private readonly Dictionary<string, string> _doomed = new(StringComparer.Ordinal);   // victims, and for whom
    private readonly Queue<Action> _thoughts = new();                                   // what is thought about on another thread
    private readonly bool _joint;
    private readonly bool _preempts;
    private Dictionary<string, string> _holders = new(StringComparer.Ordinal);          // who holds devices where, at the last audit
    private IReadOnlyList<GangClaim> _claims = [];                                      // what was kept then
    private readonly HashSet<string> _granted = new(StringComparer.Ordinal);
    private ClusterState _cluster = null!;
    private SchedulingEngine _engine = null!;
    private int _uids;
    private DateTimeOffset _moved;

    public SchedulerModel(int seed)
    {
        _seed = seed;
        _random = new Random(seed);
        (_joint, _preempts) = (_random.Next(2) == 0, _random.Next(2) == 0);
        for (var i = 2 + _random.Next(7); i > 0; i--)
        {
            _nodes[$"n{i}"] = false;
        }

        Start();
    }

    /// <summary>True when members of gangs were bound at some time: a run in which nothing happens proves nothing.</summary>
    public int BoundEver { get; private set; }

    /// <summary>Pods that were removed for gangs.</summary>
    public int Removed { get; private set; }

    /// <summary>Steps at which nodes were kept for a gang.</summary>
    public int Kept { get; private set; }

    /// <summary>How often members that waited were let go on.</summary>
    public int Opened { get; private set; }

    public void Run(int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            Step();
            if (step % AuditEvery == 0)
            {
                Audit();
            }
        }

        // From here on nothing fails any more, and what fits has to run in the end.
        foreach (var name in _nodes.Keys.ToList())
        {
            Cordon(name, false);
        }

        var last = _time.GetUtcNow();
        for (var quiet = 0; quiet < 1500; quiet++)
        {
            var before = BoundEver;
            Calm();
            if (quiet % AuditEvery == 0)
            {
                Audit();
            }

            last = BoundEver > before ? _time.GetUtcNow() : last;
            if (_binds.Count == 0 && IsSettled() && _time.GetUtcNow() - last > TimeSpan.FromMinutes(3))
            {
                break;
            }
        }

        Audit();
        AuditRest();
    }

    private void Step()
    {
        _time.Advance(TimeSpan.FromMilliseconds(_random.Next(400)));
        Watch(_watch.Count - 20);
        switch (_random.Next(100))
        {
            case < 5 when _gangs.Count < 7:
                AddGang();
                break;
            case < 6 when _thoughts.TryDequeue(out var thought):
                thought();
                break;
            case < 8:
                // A promise is kept for longer than a bind takes and the watch lags.
                while (_binds.Exists(b => b.Promise is { IsCompleted: true }))
                {
                    Binds(faults: true);
                }

                Watch(int.MaxValue);
                _time.Advance(TimeSpan.FromSeconds(_random.Next(20)));
                break;
            case < 10:
                DeletePod();
                break;
            case < 12:
                Cordon(Any(_nodes.Keys), _random.Next(2) == 0);
                break;
            case < 13 when _nodes.Count > 2 && _random.Next(2) == 0:
                DeleteNode(Any(_nodes.Keys));
                break;
            case < 14:
                AddNode();
                break;
            case < 15 when _random.Next(3) == 0:
                RestartEngine();
                break;
            case < 16 when _random.Next(3) == 0:
                RestartScheduler();
                break;
            case < 17 when _random.Next(3) == 0:
                DeleteGang();
                break;
            case < 18 when _random.Next(3) == 0:
                Reload();
                break;
            case < 22:
                Sweep();
                break;
            case < 35:
                Controllers(all: false);
                break;
            case < 55:
                Watch(1 + _random.Next(3));
                break;
            case < 70:
                Binds(faults: true);
                break;
            default:
                Cycle(faults: true);
                break;
        }
    }

    private void Calm()
    {
        // Where nobody is about to do anything, time goes faster.
        _time.Advance(_binds.Count > 0 || _queue.Exists(q => q.Ready <= _time.GetUtcNow()) ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(3));
        if (_time.GetUtcNow() >= _moved)
        {
            MoveAll(); // something always happens in a cluster
            _moved = _time.GetUtcNow() + TimeSpan.FromSeconds(30);
        }

        Controllers(all: true);
        Watch(int.MaxValue);
        while (_thoughts.TryDequeue(out var thought))
        {
            thought();
        }

        Sweep();
        for (var i = 0; i < 8 && Cycle(faults: false); i++)
        {
        }

        Binds(faults: false);
        Watch(int.MaxValue);
    }

    // ---- the API server and its controllers

    /// <summary>Other settings come into effect: another profile decides for everybody, or the first one again, and holds last otherwise.</summary>
    private void Reload()
    {
        var options = _engine.Options;
        var profile = options.Profile.WithWeights(new ScoreWeights { Topology = 1 + _random.Next(2) }) with { CardOrder = _random.Next(2) == 0 ? LeastFree.Instance : options.Profile.CardOrder };
        _engine.Apply(options with
        {
            Canary = _random.Next(2) == 0 ? null : new CanaryProfile("canary", "default", profile, new NamespaceShare(1, [])),
            Gangs = options.Gangs! with { PlanHold = TimeSpan.FromSeconds(10 + _random.Next(40)) },
        });
    }

    private void AddGang()
    {
        var gpus = _random.Next(3) switch { 0 => GpusPerNode, 1 => 4, _ => 1 + _random.Next(GpusPerNode) };
        var min = 2 + _random.Next(4);
        var size = min + (_random.Next(3) == 0 ? _random.Next(3) : 0);
        var isSingle = _random.Next(4) == 0;
        _gangs.Add(isSingle ? new GangSpec($"g{_gangs.Count}", 1, 1 + _random.Next(3), gpus, _random.Next(3), isSingle) : new GangSpec($"g{_gangs.Count}", min, size, gpus, _random.Next(3), isSingle));
    }

    private void DeleteGang()
    {
        if (_gangs.FindAll(g => !g.IsDeleted) is { Count: > 0 } alive)
        {
            var gang = alive[_random.Next(alive.Count)];
            gang.IsDeleted = true;
            foreach (var pod in _pods.Values.Where(p => p.Gang == gang).ToList())
            {
                Delete(pod);
            }
        }
    }

    /// <summary>Creates pods that are missing: one at a time, so that gangs interleave.</summary>
    private void Controllers(bool all)
    {
        foreach (var gang in _gangs.Where(g => !g.IsDeleted).OrderBy(_ => _random.Next()).ToList())
        {
            var missing = gang.Size - _pods.Values.Count(p => p.Gang == gang);
            for (; missing > 0; missing--)
            {
                var pod = new ApiPod(gang, gang.IsSingle
                    ? new PodBuilder($"{gang.Name}-{_uids++}").Gpus(gang.Gpus).Priority(gang.Priority).Build()
                    : GangBench.Member(gang.Name, _uids++, gang.Gpus, gang.Min, gang.Size, gang.Priority));
                _pods[pod.Info.Uid] = pod;
                _watch.Enqueue(c => c.UpsertPod(pod.Seen()));
                _queue.Add(new Queued(pod.Info.Uid, _time.GetUtcNow()));
                if (!all)
                {
                    return;
                }
            }
        }
    }

    private void DeletePod()
    {
        if (_pods.Count > 0)
        {
            Delete(_pods[Any(_pods.Keys)]);
        }
    }

    private void Delete(ApiPod pod)
    {
        var uid = pod.Info.Uid;
        _pods.Remove(uid);
        _doomed.Remove(uid);
        _leaving[uid] = pod;
        _watch.Enqueue(c =>
        {
            _leaving.Remove(uid);
            c.DeletePod(uid);
        });
        _queue.RemoveAll(q => q.Uid == uid);
        if (pod.Node is not null)
        {
            MoveAll(); // kube-scheduler looks again when an assigned pod goes
        }
    }

    private void Cordon(string node, bool cordoned)
    {
        _nodes[node] = cordoned;
        MoveAll();
    }

    private void AddNode()
    {
        if (_nodes.Count < 10)
        {
            var name = $"n{20 + _uids++}";
            _nodes[name] = false;
            _watch.Enqueue(c => c.UpsertNode(GangBench.Node(name)));
            MoveAll();
        }
    }

    private void DeleteNode(string name)
    {
        _nodes.Remove(name);
        _watch.Enqueue(c => c.DeleteNode(name));
        foreach (var pod in _pods.Values.Where(p => p.Node == name).ToList())
        {
            Delete(pod); // the pod garbage collector
        }
    }

    private void Watch(int most)
    {
        for (; most > 0 && _watch.TryDequeue(out var change); most--)
        {
            change(_cluster);
        }
    }

    // ---- our own process

    private void Start()
    {
        _cluster = new ClusterState(_time, new LedgerOptions());
        _engine = new SchedulingEngine(_cluster, new EngineOptions
        {
            // Nobody asks for scores here: what they learn from arrivals would be most of the work.
            Profile = Profile.Create(new ScoreWeights()) with { Observer = null },
            KeepScores = false,
            Gangs = new GangOptions
            {
                PlanHold = TimeSpan.FromSeconds(30),
                KeepLimit = TimeSpan.FromSeconds(15),
                Placer = _joint || _preempts ? new NaiveGangSolver() : s_placer,
                Preempts = _preempts,
                BatchLimit = _joint ? TimeSpan.FromSeconds(2) : TimeSpan.Zero,
            },
        });
        _thoughts.Clear();
        _engine.Gangs!.Background = plan =>
        {
            var done = new TaskCompletionSource<GangBatchPlan>();
            _thoughts.Enqueue(() => done.SetResult(plan()));
            return done.Task;
        };
        (_holders, _claims) = (new(StringComparer.Ordinal), []);
        _doomed.Clear(); // what is not gone yet stays, unless it is chosen again
        _watch.Clear();
        _leaving.Clear();
        foreach (var name in _nodes.Keys)
        {
            _cluster.UpsertNode(GangBench.Node(name));
        }

        _cluster.ReplacePods([.. _pods.Values.Select(p => p.Seen())], consistent: true);
    }

    private void RestartEngine()
    {
        foreach (var bind in _binds.ToList())
        {
            // What was sent to the API server may still land.
            if (bind.Posted is { } posted && _random.Next(2) == 0)
            {
                Land(bind, posted);
            }

            Fail(bind);
        }

        _granted.Clear();
        Start();
    }

    private void Sweep()
    {
        _engine.Gangs!.Sweep();
        _cluster.Expire();
        foreach (var pod in _engine.Gangs.TakeToWake(3))
        {
            if (_queue.Find(q => q.Uid == pod.Uid) is { } queued)
            {
                queued.Ready = _time.GetUtcNow();
            }
        }

        foreach (var eviction in _engine.Gangs.TakeToEvict(3))
        {
            Doom(eviction.For.Name, [eviction.Pod.Uid]);
            Evict(eviction.Pod.Uid);
        }
    }

    // ---- kube-scheduler

    private void RestartScheduler()
    {
        // Nobody listens to the binds that are on their way; they go on all the same.
        foreach (var bind in _binds)
        {
            bind.IsHeard = false;
        }

        _queue.Clear();
        _queue.AddRange(_pods.Values.Where(p => p.Node is null).Select(p => new Queued(p.Info.Uid, _time.GetUtcNow())));
    }

    private void MoveAll()
    {
        foreach (var queued in _queue.Where(q => q.IsUnschedulable))
        {
            queued.IsUnschedulable = false;
            queued.Ready = _time.GetUtcNow() + queued.Backoff;
        }
    }

    private bool Cycle(bool faults)
    {
        var now = _time.GetUtcNow();
        var next = _queue.Where(q => q.Ready <= now).OrderByDescending(q => _pods[q.Uid].Gang.Priority).ThenBy(q => q.Ready).FirstOrDefault();
        if (next is null)
        {
            return false;
        }

        var pod = _pods[next.Uid];
        if (faults && _random.Next(30) == 0)
        {
            Later(next, unschedulable: false); // its own filters or the call failed
            return true;
        }

        var snapshot = _cluster.Current;
        var candidates = new List<int>();
        foreach (var (name, cordoned) in _nodes)
        {
            if (!cordoned && !(faults && _random.Next(25) == 0))
            {
                candidates.Add(snapshot.Index.Find(name));
            }
        }

        if (candidates.Count == 0)
        {
            Later(next, unschedulable: true);
            return true;
        }

        var offered = candidates.ToArray();
        if (next.Nominated is { } nominated && snapshot.Index.Find(nominated) is >= 0 and var only && offered.Contains(only))
        {
            // First the node on which room was made alone, then all of them.
            var alone = new Status[1];
            if (_engine.Filter(pod.Info, snapshot, [only], alone) == 1)
            {
                offered = [only];
            }
        }

        var statuses = new Status[offered.Length];
        _engine.Filter(pod.Info, snapshot, offered, statuses);
        if (faults && _random.Next(20) == 0)
        {
            _engine.Filter(pod.Info, _cluster.Current, offered, new Status[offered.Length]);
        }

        var at = Array.FindIndex(statuses, s => s.IsSuccess);
        if (pod.Gang.IsSingle && at >= 0)
        {
            at = Enumerable.Range(0, statuses.Length).Where(i => statuses[i].IsSuccess).OrderBy(_ => _random.Next()).First();
        }
        else if (at >= 0 && Array.FindLastIndex(statuses, s => s.IsSuccess) != at)
        {
            throw Wrong($"{pod} may go to several nodes");
        }

        if (faults && _random.Next(30) == 0)
        {
            Later(next, unschedulable: false); // the answer was lost
        }
        else if (at < 0)
        {
            if (!pod.Gang.IsSingle)
            {
                Preempt(next, pod, snapshot, offered, statuses);
            }

            Later(next, unschedulable: true);
        }
        else
        {
            _queue.Remove(next);
            _binds.Add(new Bind(pod.Info, snapshot.Nodes[offered[at]]!.Facts.Name, next));
        }

        return true;
    }

    /// <summary>What is tried when no node will do: removing less urgent pods where the extender says that this could help.</summary>
    private void Preempt(Queued queued, ApiPod pod, Snapshot snapshot, int[] offered, Status[] statuses)
    {
        var candidates = new List<PreemptionCandidate>();
        for (var i = 0; i < offered.Length; i++)
        {
            if (statuses[i].Code == StatusCode.Unschedulable && snapshot.Nodes[offered[i]] is { } node)
            {
                var lower = _pods.Values.Where(p => p.Node == node.Facts.Name && p.Info.Priority < pod.Info.Priority).ToList();
                var free = GpusPerNode - _pods.Values.Where(p => p.Node == node.Facts.Name).Sum(p => p.Gang.Gpus);
                if (lower.Count > 0 && free < pod.Gang.Gpus && free + lower.Sum(p => p.Gang.Gpus) >= pod.Gang.Gpus)
                {
                    candidates.Add(new PreemptionCandidate(node.Facts.Name, [.. lower.Select(p => p.Info.Uid)], 0));
                }
            }
        }

        if (candidates.Count == 0)
        {
            return;
        }

        var before = _engine.Gangs!.Victims.ToHashSet(StringComparer.Ordinal);
        var answer = _engine.Preempt(pod.Info, _cluster.Current, candidates);
        if (!before.IsSupersetOf(_engine.Gangs.Victims))
        {
            AuditRoom(pod.Gang, _engine.Gangs.Victims);
        }

        if (answer.Count == 0)
        {
            return;
        }

        if (!_preempts)
        {
            throw Wrong($"pods are removed for {pod} though that is switched off");
        }

        var told = answer.Single();
        Doom(pod.Gang.Name, told.VictimUids);
        foreach (var uid in told.VictimUids)
        {
            if (_pods.TryGetValue(uid, out var victim) && victim.Node != told.Node)
            {
                throw Wrong($"{victim} is not on {told.Node}");
            }

            if (_random.Next(10) > 0)
            {
                Evict(uid); // else the answer was lost
            }
        }

        queued.Nominated = told.Node;
    }

    /// <summary>Whoever goes for a gang is less urgent, and goes with all of its gang.</summary>
    private void Doom(string gang, IEnumerable<string> victims)
    {
        if (_gangs.Find(g => g.Name == gang) is not { } beneficiary)
        {
            throw Wrong($"pods are removed for {gang}, which is nobody");
        }

        foreach (var uid in victims)
        {
            if (!_pods.TryGetValue(uid, out var victim) || _doomed.ContainsKey(uid))
            {
                continue;
            }

            if (victim.Gang.Priority >= beneficiary.Priority)
            {
                throw Wrong($"{victim} has to go for {gang}, which is not more urgent");
            }

            // All that go for one gang were chosen together; whoever was, has to go.
            foreach (var chosen in _engine.Gangs!.Victims.Where(v => _pods.ContainsKey(v)))
            {
                _doomed[chosen] = gang;
            }

            foreach (var other in _pods.Values.Where(p => !victim.Gang.IsSingle && p.Gang == victim.Gang && p.Node is not null && IsSeenBound(p)))
            {
                _doomed[other.Info.Uid] = gang;
            }

            _doomed[uid] = gang;
        }
    }

    /// <summary>Without the victims there is a place for all that the gang needs, by counting.</summary>
    private void AuditRoom(GangSpec gang, IEnumerable<string> victims)
    {
        var going = victims.ToHashSet(StringComparer.Ordinal);
        var members = _pods.Values.Where(p => p.Gang == gang).Select(p => p.Info.Uid).ToHashSet(StringComparer.Ordinal);
        var firm = members.Count(m => _cluster.TryGetAllocation(m, out var held) && held.State is not (AllocationState.Tentative or AllocationState.Planned));
        var room = _cluster.Current.Nodes.ToArray().OfType<NodeInfo>().Sum(n => (GpusPerNode - n.Allocations
            .Where(a => a.State != AllocationState.Tentative && !going.Contains(a.Pod.Uid) && !_leaving.ContainsKey(a.Pod.Uid) && !(members.Contains(a.Pod.Uid) && a.State == AllocationState.Planned))
            .Sum(a => a.Devices.Devices.Length)) / gang.Gpus);
        if (firm + room < gang.Min)
        {
            throw Wrong($"pods are removed for {gang.Name}, which has {firm} members bound then and room for {room} more, and needs {gang.Min}");
        }
    }

    private bool IsSeenBound(ApiPod pod) => _cluster.TryGetPod(pod.Info.Uid, out var seen) && seen.NodeName is not null;

    private void Evict(string uid)
    {
        if (_pods.TryGetValue(uid, out var victim))
        {
            Removed++;
            Delete(victim);
        }
    }

    private void Later(Queued queued, bool unschedulable)
    {
        queued.Backoff = TimeSpan.FromSeconds(Math.Min(10, Math.Max(1, queued.Backoff.TotalSeconds * 2)));
        queued.IsUnschedulable = unschedulable;
        queued.Ready = _time.GetUtcNow() + (unschedulable ? TimeSpan.FromMinutes(5) : queued.Backoff);
    }

    /// <summary>Binds go on beside each other, in any order, each by one step.</summary>
    private void Binds(bool faults)
    {
        foreach (var bind in _binds.OrderBy(_ => _random.Next()).ToList())
        {
            if (faults && _random.Next(3) == 0)
            {
                continue;
            }

            if (bind.Promise is null)
            {
                bind.Promise = _engine.PromiseAsync(bind.Pod, bind.Node);
                CheckOpened();
            }
            else if (bind.Posted is { } devices)
            {
                Post(bind, devices, faults ? _random.Next(12) : 99);
            }
            else if (bind.Promise.IsCompleted)
            {
                var result = bind.Promise.Result;
                if (!result.IsGranted)
                {
                    Fail(bind);
                }
                else if (result.IsBound)
                {
                    _binds.Remove(bind);
                }
                else
                {
                    bind.Posted = result.Allocation.Devices;
                }
            }
        }
    }

    private void Post(Bind bind, DeviceAssignment devices, int dice)
    {
        switch (dice)
        {
            case 0:
                _engine.BindFailed(bind.Pod); // the API server refused: a quota, a webhook
                Fail(bind);
                break;
            case 1:
                Fail(bind); // the answer never came: it did not land
                break;
            case 2:
                Land(bind, devices); // the answer never came: it did
                Fail(bind);
                break;
            default:
                if (Land(bind, devices))
                {
                    _cluster.Commit(bind.Pod.Uid);
                    _binds.Remove(bind);
                }
                else
                {
                    _engine.BindFailed(bind.Pod); // gone, or bound already
                    Fail(bind);
                }

                break;
        }

        _granted.Remove(bind.Pod.Uid);
    }

    private bool Land(Bind bind, DeviceAssignment devices)
    {
        if (!_pods.TryGetValue(bind.Pod.Uid, out var pod) || pod.Node is not null)
        {
            return false;
        }

        (pod.Node, pod.Devices) = (bind.Node, devices);
        BoundEver++;
        _queue.RemoveAll(q => q.Uid == bind.Pod.Uid);
        _watch.Enqueue(c => c.UpsertPod(pod.Seen()));
        return true;
    }

    /// <summary>kube-scheduler hears that the bind failed, and puts the pod back; 1.20 puts it aside until something happens.</summary>
    private void Fail(Bind bind)
    {
        _binds.Remove(bind);
        if (bind.IsHeard && _pods.TryGetValue(bind.Pod.Uid, out var pod) && pod.Node is null)
        {
            _queue.RemoveAll(q => q.Uid == bind.Pod.Uid);
            _queue.Add(bind.Queued);
            Later(bind.Queued, unschedulable: _random.Next(2) == 0);
        }
    }

    // ---- the auditor

    /// <summary>Whoever is let go on, there are as many as the gang needs: bound, or let go on as well.</summary>
    private void CheckOpened()
    {
        var fresh = new HashSet<GangSpec>();
        foreach (var bind in _binds)
        {
            if (bind.Promise is { IsCompleted: true, Result: { IsGranted: true, IsBound: false } result } && bind.Posted is null && _granted.Add(bind.Pod.Uid))
            {
                if (result.Allocation.Node != bind.Node)
                {
                    throw Wrong($"{bind.Pod} was promised devices on {result.Allocation.Node} and asked for {bind.Node}");
                }

                Opened++;
                if (bind.Pod.Gang is not null)
                {
                    fresh.Add(GangOf(bind.Pod));
                }
            }
        }

        foreach (var gang in fresh)
        {
            var there = _pods.Values.Concat(_leaving.Values).Where(p => p.Gang == gang && (p.Node is not null || _granted.Contains(p.Info.Uid) || IsUnclear(p.Info.Uid))).Select(p => p.Info.Uid).ToHashSet(StringComparer.Ordinal);
            if (there.Count < gang.Min)
            {
                throw Wrong($"{there.Count} members of {gang.Name} are bound or go on to be bound, and it needs {gang.Min}");
            }
        }
    }

    /// <summary>A bind whose outcome we were not told: until it is known, it counts as on its way.</summary>
    private bool IsUnclear(string uid) => _cluster.TryGetAllocation(uid, out var held) && held.State is AllocationState.Promised or AllocationState.Committed;

    private void Audit()
    {
        CheckOpened();
        foreach (var (name, _) in _nodes)
        {
            var taken = new HashSet<int>();
            foreach (var pod in _pods.Values.Where(p => p.Node == name))
            {
                if (pod.Devices!.Devices.Length != pod.Gang.Gpus)
                {
                    throw Wrong($"{pod} was given {pod.Devices.Devices.Length} GPUs");
                }

                foreach (var device in pod.Devices.Devices)
                {
                    if (!taken.Add(device.Gpu))
                    {
                        throw Wrong($"GPU {device.Gpu} of {name} is given out twice");
                    }
                }
            }
        }

        AuditKept();
        var promised = new Dictionary<(string, int), Allocation>();
        foreach (var state in new[] { AllocationState.Planned, AllocationState.Promised, AllocationState.Committed, AllocationState.Bound })
        {
            foreach (var held in _cluster.AllocationsIn(state).Where(a => !_leaving.ContainsKey(a.Pod.Uid) && (state != AllocationState.Bound || _pods.ContainsKey(a.Pod.Uid))))
            {
                foreach (var device in held.Devices.Devices)
                {
                    if (!promised.TryAdd((held.Node, device.Gpu), held))
                    {
                        var other = promised[(held.Node, device.Gpu)];
                        throw Wrong($"GPU {device.Gpu} of {held.Node} is held twice: {held.State} by {held.Pod} and {other.State} by {other.Pod}");
                    }
                }
            }
        }
    }

    /// <summary>Nobody who comes after it has taken what a gang needs of the nodes that are kept for it.</summary>
    private void AuditKept()
    {
        var holders = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in _cluster.Current.Nodes)
        {
            foreach (var held in (node?.Allocations ?? []).Where(a => a.State != AllocationState.Tentative))
            {
                holders[held.Pod.Uid] = node!.Facts.Name;
            }
        }

        var claims = _engine.Gangs!.Claims;
        Kept += claims.Count > 0 ? 1 : 0;
        foreach (var claim in claims.Where(c => _claims.Contains(c)))
        {
            foreach (var (name, members) in claim.Members)
            {
                if (_cluster.Current.Find(name)?.Firm is not { } node || node.FreeGpus >= members.Sum(m => m.Request.WholeGpus))
                {
                    continue;
                }

                foreach (var newcomer in node.Allocations.Where(a => _holders.GetValueOrDefault(a.Pod.Uid) != name && a.State is AllocationState.Planned or AllocationState.Promised))
                {
                    var pod = newcomer.Pod;
                    var inPart = pod.Gang is not null && new[] { AllocationState.Promised, AllocationState.Committed, AllocationState.Bound, AllocationState.Presumed }
                        .Any(state => _cluster.AllocationsIn(state).Any(a => a.Pod.Gang?.Key == pod.Gang.Key));
                    if (pod.Gang?.Key != claim.Gang && (pod.Gang is null ? pod.Priority <= claim.Rank.Priority : pod.Priority < claim.Rank.Priority && !inPart))
                    {
                        throw Wrong($"{pod} takes devices of {name} that are kept for {claim.Gang}: {newcomer.State}, {node.FreeGpus} are left of {members.Sum(m => m.Request.WholeGpus)}; {Story(_gangs.Find(g => g.Name == claim.Gang.Name)!)}");
                    }
                }
            }
        }

        (_holders, _claims) = (holders, claims);
    }

    private bool IsSettled() => _queue.TrueForAll(q => q.IsUnschedulable) && !_cluster.AllocationsIn(AllocationState.Planned).Any() && !_cluster.AllocationsIn(AllocationState.Promised).Any();

    /// <summary>In the end: no hold is left, no gang is bound in part unless the rest has no room, and every gang that fits runs.</summary>
    private void AuditRest()
    {
        foreach (var state in new[] { AllocationState.Planned, AllocationState.Promised, AllocationState.Tentative })
        {
            if (_cluster.AllocationsIn(state) is { Count: > 0 } left)
            {
                throw Wrong($"{left.Count} allocations are left {state}, for example of {left[0].Pod}; {Story(_gangs.Find(g => _pods.TryGetValue(left[0].Pod.Uid, out var pod) && pod.Gang == g) ?? _gangs[0])}");
            }
        }

        if (_doomed.FirstOrDefault(d => _pods.ContainsKey(d.Key)) is { Key: not null } spared)
        {
            throw Wrong($"{spared.Key} was to go for {spared.Value} with all of its job, and is still there");
        }

        var free = _nodes.Keys.ToDictionary(n => n, n => GpusPerNode - _pods.Values.Where(p => p.Node == n).Sum(p => p.Gang.Gpus));
        foreach (var gang in _gangs.Where(g => !g.IsDeleted))
        {
            var bound = _pods.Values.Count(p => p.Gang == gang && p.Node is not null);
            var room = free.Values.Sum(f => f / gang.Gpus);
            if (bound < gang.Min && bound + room >= gang.Min)
            {
                throw Wrong($"{gang.Name} needs {gang.Min} x {gang.Gpus} GPUs, has {bound} bound, and there is room for {room} more; {Story(gang)}");
            }

            if (bound >= gang.Min && bound < gang.Size && room > 0)
            {
                throw Wrong($"{gang.Name} has {bound} of {gang.Size} members, and there is room for {room} more; {Story(gang)}");
            }
        }
    }

    private string Story(GangSpec gang) => string.Join(", ", _pods.Values.Where(p => p.Gang == gang && p.Node is null).Select(p =>
            $"{p} {(_queue.Find(q => q.Uid == p.Info.Uid) is { } queued ? queued.IsUnschedulable ? "is put aside" : "is queued" : "is lost")}"))
        + ": " + string.Join("; ", _engine.Gangs!.Find("default", gang.Name).SelectMany(v => v.History).Select(h => h.What))
        + "; free as the engine sees it: " + string.Join(", ", _nodes.Keys.Select(n => $"{n} {_cluster.Current.Find(n)?.FreeGpus}"))
        + "; kept: " + string.Join(", ", _engine.Gangs.Claims.Select(c => $"{string.Join(' ', c.Members.Keys)} for {c.Gang}"))
        + "; " + string.Join("; ", _engine.Gangs.List().Select(v => $"{v.Group.Key} {v.State} {v.QueuePlace}: {v.Reason}"))
        + "; held: " + string.Join(", ", Enum.GetValues<AllocationState>().SelectMany(_cluster.AllocationsIn).Where(a => !_pods.TryGetValue(a.Pod.Uid, out var pod) || pod.Node is null).Select(a => $"{a.State} by {a.Pod}"));

    private GangSpec GangOf(PodInfo pod) => _gangs.Find(g => g.Name == pod.Gang!.Key.Name)!;

    private string Any(IEnumerable<string> names)
    {
        var all = names.ToList();
        return all[_random.Next(all.Count)];
    }

    private InvalidOperationException Wrong(string what) => new(string.Create(CultureInfo.InvariantCulture, $"seed {_seed}: {what}"));

    private sealed class GangSpec(string name, int min, int size, int gpus, int priority, bool isSingle)
    {
        /// <summary>Pods that are no gang.</summary>
        public bool IsSingle => isSingle;

        public string Name => name;

        public int Min => min;

        public int Size => size;

        public int Gpus => gpus;

        public int Priority => priority;

        public bool IsDeleted { get; set; }
    }

    private sealed class ApiPod(GangSpec gang, PodInfo info)
    {
        public GangSpec Gang => gang;

        public PodInfo Info => info;

        public string? Node { get; set; }

        public DeviceAssignment? Devices { get; set; }

        public PodInfo Seen() => Node is null ? info : info with { NodeName = Node, Assignment = Devices };

        public override string ToString() => info.ToString();
    }

    private sealed class Queued(string uid, DateTimeOffset ready)
    {
        public string Uid => uid;

        public DateTimeOffset Ready { get; set; } = ready;

        public TimeSpan Backoff { get; set; }

        public bool IsUnschedulable { get; set; }

        /// <summary>The node on which room was made for it.</summary>
        public string? Nominated { get; set; }
    }

    private sealed class Bind(PodInfo pod, string node, Queued queued)
    {
        public PodInfo Pod => pod;

        public string Node => node;

        public Queued Queued => queued;

        public bool IsHeard { get; set; } = true;

        public Task<PromiseResult>? Promise { get; set; }

        public DeviceAssignment? Posted { get; set; }
    }
}
