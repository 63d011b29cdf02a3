using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

/// <summary>
/// A cluster whose API tells the engine everything late: three logs (nodes, reports, pods), each with a watch that lags behind, binds
/// whose outcome comes before, after or never, lists that are stale, and crashes. Every step is a value, so that a failing stream can
/// be made shorter.
/// </summary>
internal sealed class ClusterWorld
{
    private readonly ManualTimeProvider _clock = new();
    private readonly bool _answerOneNode;
    private readonly Dictionary<string, PodShape> _shapes = [];
    private readonly List<(string Name, NodeShape? Shape)> _nodeLog = [];
    private readonly List<(string Name, NodeShape? Shape)> _reportLog = [];
    private readonly List<(string Uid, PodInfo? Pod)> _podLog = [];
    private readonly List<(string Uid, Allocation Promise)> _inFlight = [];
    private readonly Dictionary<string, string> _chosen = [];
    private (int Version, DateTimeOffset Time)? _asked;
    private int _nodesSeen;
    private int _reportsSeen;
    private int _podsSeen;
    private SchedulingEngine _engine;
    private Snapshot _old;

    public ClusterWorld(int seed)
    {
        var random = new Random(seed);
        _answerOneNode = random.Next(3) == 0;
        _engine = NewEngine();
        _old = Cluster.Current;
        for (var i = random.Next(2, 6); i > 0; i--)
        {
            _nodeLog.Add(($"node-{i}", new NodeShape((NodeKind)random.Next(6), $"node-{i}")));
            if (random.Next(2) == 0)
            {
                _reportLog.Add(_nodeLog[^1]);
            }
        }

        DeliverNodes(int.MaxValue);
        DeliverReports(int.MaxValue);
    }

    private ClusterState Cluster => _engine.Cluster;

    /// <summary>How often a canary came into effect.</summary>
    public int Canaries { get; private set; }

    /// <summary>Granted promises, so that a test can see that the streams are not idle.</summary>
    public int Granted { get; private set; }

    public void Step(int what, int with)
    {
        var random = new Random(with);
        switch (what % 40)
        {
            case < 8:
                Create(random);
                break;
            case < 14:
                Schedule(random);
                break;
            case < 17:
                // Volumes and other plugins take their time between the choice and the bind.
                if (Pick(random, Pending().Where(p => _chosen.ContainsKey(p.Uid))) is { } waiting)
                {
                    Bind(waiting);
                }

                break;
            case < 19:
                if (Pick(random, Pending()) is { } asked)
                {
                    FilterTwice(asked, random.Next(4) == 0 ? _old : Cluster.Current, out _, out _);
                }

                break;
            case < 24:
                Finish(random);
                break;
            case < 27:
                DeliverPods(random.Next(1, 6));
                break;
            case < 28:
                DeliverNodes(1 + random.Next(3));
                break;
            case < 29:
                DeliverReports(1 + random.Next(3));
                break;
            case < 31:
                Delete(random);
                break;
            case < 32:
                ForeignBind(random);
                break;
            case < 34:
                Relist(random);
                break;
            case < 35:
                Restart(random);
                break;
            case < 38:
                Change(random);
                if (random.Next(2) == 0)
                {
                    DeliverNodes(int.MaxValue);
                    DeliverReports(int.MaxValue);
                }

                break;
            case < 39:
                Pass(random, TimeSpan.FromSeconds(random.Next(1, 90)));
                break;
            default:
                _old = Cluster.Current;
                Reload(random);
                break;
        }

        _clock.Advance(TimeSpan.FromMilliseconds(1));
        AssertNothingIsHeldTwice();
    }

    /// <summary>Lets everything settle; then a new instance, fed from the API alone, must see the same.</summary>
    public void Settle(int seed)
    {
        var random = new Random(seed);
        while (_inFlight.Count > 0)
        {
            Finish(random);
        }

        DeliverNodes(int.MaxValue);
        DeliverReports(int.MaxValue);
        DeliverPods(int.MaxValue);
        Pass(random, TimeSpan.FromHours(1));
        AssertNothingIsHeldTwice();
        var before = Cluster.Current;
        var beforeRestart = Cluster;
        Restart(random);
        var after = Cluster.Current;
        foreach (var name in At(_nodeLog, _nodeLog.Count).Keys)
        {
            AssertSame(before.Find(name)!, after.Find(name)!);
        }

        Assert.DoesNotContain(beforeRestart.CountAllocations().Keys, s => s is not (AllocationState.Bound or AllocationState.Presumed));

        // When all pods are gone, everything is free again.
        foreach (var uid in _shapes.Keys)
        {
            beforeRestart.DeletePod(uid);
        }

        foreach (var node in beforeRestart.Current.Nodes)
        {
            if (node is not null)
            {
                AssertSame(node.Facts.Empty, node);
            }
        }
    }

    private static void AssertSame(NodeInfo expected, NodeInfo actual)
    {
        Assert.Equal(
            expected.Allocations.Select(a => (a.Pod.Uid, a.State, a.Devices.ToAnnotation())),
            actual.Allocations.Select(a => (a.Pod.Uid, a.State, a.Devices.ToAnnotation())));
        Assert.Equal(
            (expected.IdleMask, expected.FreeGpus, expected.UsedGpus, expected.ShareMask, expected.FreeCpuMilli, expected.FreeMemoryBytes, expected.HasConflict, expected.HasTentative),
            (actual.IdleMask, actual.FreeGpus, actual.UsedGpus, actual.ShareMask, actual.FreeCpuMilli, actual.FreeMemoryBytes, actual.HasConflict, actual.HasTentative));
        Assert.Equal(expected.FreeMig.ToArray(), actual.FreeMig.ToArray());
        Assert.Equal(expected.Use.ToArray(), actual.Use.ToArray());
    }

    private SchedulingEngine NewEngine() => new(new ClusterState(_clock, new LedgerOptions()), new EngineOptions { AnswerOneNode = _answerOneNode });

    private static Dictionary<string, T> At<T>(List<(string Key, T? Value)> log, int version)
        where T : class
    {
        var state = new Dictionary<string, T>();
        foreach (var (key, value) in log.Take(version))
        {
            if (value is null)
            {
                state.Remove(key);
            }
            else
            {
                state[key] = value;
            }
        }

        return state;
    }

    private Dictionary<string, PodInfo> Pods() => At(_podLog, _podLog.Count);

    private List<PodInfo> Pending() => [.. Pods().Values.Where(p => p.NodeName is null && !p.IsTerminal && _inFlight.TrueForAll(f => f.Uid != p.Uid))];

    private static T? Pick<T>(Random random, IEnumerable<T> items)
        where T : class => items.ToList() is { Count: > 0 } list ? list[random.Next(list.Count)] : null;

    /// <summary>Every pod is of one of four namespaces, which two profiles may share out.</summary>
    private PodBuilder BuilderOf(string uid) => _shapes[uid].Builder(uid).In($"team-{uid[^1] % 4}");

    /// <summary>Other settings come into effect between any two steps: other weights, another canary, other holds.</summary>
    private void Reload(Random random)
    {
        CanarySettings? canary = null;
        if (random.Next(4) > 0)
        {
            string[] policies = [.. PlacementPolicies.Names.Where(p => p != PlacementPolicies.PodByPod)];
            var share = new NamespaceShare(random.NextDouble(), random.Next(2) == 0 ? [] : [$"team-{random.Next(4)}"]);
            canary = new CanarySettings($"canary-{random.Next(2)}", policies[random.Next(policies.Length)], new ScoreWeights { Topology = random.Next(1, 4), Stranding = random.Next(3) }, share);
            Canaries++;
        }

        _engine.Apply(ServiceProfiles.Change(_engine.Options, new ScoreWeights { Topology = random.Next(1, 4), Stranding = random.Next(3) }, _answerOneNode, canary));
        Cluster.Holds = new LedgerOptions { TentativeHold = TimeSpan.FromSeconds(random.Next(5, 60)) };
    }

    private void Create(Random random)
    {
        var uid = $"pod-{_shapes.Count:d3}";
        _shapes[uid] = PodShape.Random(random);
        _podLog.Add((uid, BuilderOf(uid).Build()));
    }

    private void Delete(Random random)
    {
        if (Pick(random, Pods().Values) is { } pod)
        {
            var builder = BuilderOf(pod.Uid).Phase("Succeeded");
            _podLog.Add((pod.Uid, random.Next(3) == 0 ? builder.Build() : null));
        }
    }

    private void ForeignBind(Random random)
    {
        if (Pick(random, Pending()) is { } pod && Pick(random, At(_nodeLog, _nodeLog.Count).Keys) is { } node && random.Next(2) == 0)
        {
            _podLog.Add((pod.Uid, BuilderOf(pod.Uid).On(node).Build()));
        }
    }

    private int FilterTwice(PodInfo pod, Snapshot snapshot, out int[] candidates, out Status[] statuses)
    {
        var fresh = ReferenceEquals(snapshot, Cluster.Current);
        candidates = [.. Enumerable.Range(-1, snapshot.Nodes.Length + 1)];
        statuses = new Status[candidates.Length];
        var passed = _engine.Filter(pod, snapshot, candidates, statuses);
        Assert.Equal(passed, statuses.Count(s => s.IsSuccess));
        Assert.Equal(Reasons.UnknownNode, statuses[0]);
        if (fresh)
        {
            var again = new Status[candidates.Length];
            Assert.Equal(passed, _engine.Filter(pod, Cluster.Current, candidates, again));
            Assert.Equal(statuses, again);
        }

        return passed;
    }

    private void Schedule(Random random)
    {
        if (Pick(random, Pending()) is not { } pod)
        {
            return;
        }

        var snapshot = random.Next(4) == 0 ? _old : Cluster.Current;
        if (FilterTwice(pod, snapshot, out var candidates, out var statuses) == 0)
        {
            return;
        }

        var passed = candidates.Where((_, i) => statuses[i].IsSuccess).ToArray();
        var chosen = passed[0];
        if (passed.Length > 1)
        {
            var scores = new int[passed.Length];
            _engine.Prioritize(pod, snapshot, passed, scores);
            Assert.Equal(1, scores.Count(s => s == SchedulingEngine.MaxScore));
            Assert.All(scores, s => Assert.InRange(s, 0, SchedulingEngine.MaxScore));
            chosen = random.Next(4) == 0 ? passed[random.Next(passed.Length)] : passed[Array.IndexOf(scores, SchedulingEngine.MaxScore)];
        }

        _chosen[pod.Uid] = snapshot.Nodes[chosen]!.Facts.Name;
        if (random.Next(2) == 0)
        {
            Bind(pod);
        }
    }

    private void Bind(PodInfo pod)
    {
        _chosen.Remove(pod.Uid, out var node);
        var result = _engine.Promise(pod, node!);
        if (!result.IsGranted)
        {
            Assert.NotEmpty(result.Refusal);
            return;
        }

        if (result.IsBound)
        {
            // The engine knows of a bind that we, standing in for kube-scheduler, do not: an outcome that was never reported.
            return;
        }

        Granted++;
        Assert.False(_engine.Promise(pod, node!).IsGranted);
        _inFlight.Add((pod.Uid, result.Allocation));
        if (At(_nodeLog, _nodesSeen).TryGetValue(node!, out var shape))
        {
            var audited = shape.Audited(At(_reportLog, _reportsSeen).GetValueOrDefault(node!));
            var wrong = ClusterAuditor.Audit([audited], Holds()).Where(v => v.Pods.Contains(pod.Uid)).ToList();
            Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        }
    }

    private void Finish(Random random)
    {
        if (_inFlight.Count == 0)
        {
            return;
        }

        var (uid, promise) = _inFlight[random.Next(_inFlight.Count)];
        _inFlight.RemoveAll(f => f.Uid == uid);
        var bindable = Pods().TryGetValue(uid, out var pod) && pod is { NodeName: null, IsTerminal: false };
        if (!bindable || random.Next(6) == 0)
        {
            Cluster.Abandon(uid);
            return;
        }

        _podLog.Add((uid, BuilderOf(uid).On(promise.Node, promise.Devices).Build()));
        switch (random.Next(6))
        {
            case 0:
                // The watch is faster than the answer.
                DeliverPods(int.MaxValue);
                Cluster.Commit(uid);
                break;
            case 1:
                // No answer: the watch will say.
                break;
            default:
                Cluster.Commit(uid);
                break;
        }
    }

    private void DeliverPods(int count)
    {
        for (; count > 0 && _podsSeen < _podLog.Count; count--, _podsSeen++)
        {
            if (_podLog[_podsSeen] is (_, { } pod))
            {
                Cluster.UpsertPod(pod);
            }
            else
            {
                Cluster.DeletePod(_podLog[_podsSeen].Uid);
            }
        }
    }

    private void DeliverNodes(int count)
    {
        for (; count > 0 && _nodesSeen < _nodeLog.Count; count--, _nodesSeen++)
        {
            if (_nodeLog[_nodesSeen] is (_, { } shape))
            {
                Cluster.UpsertNode(shape.Node());
            }
            else
            {
                Cluster.DeleteNode(_nodeLog[_nodesSeen].Name);
            }
        }
    }

    private void DeliverReports(int count)
    {
        for (; count > 0 && _reportsSeen < _reportLog.Count; count--, _reportsSeen++)
        {
            if (_reportLog[_reportsSeen] is (var name, { } shape))
            {
                Cluster.UpsertReport(name, shape.Report());
            }
            else
            {
                Cluster.DeleteReport(_reportLog[_reportsSeen].Name);
            }
        }
    }

    private void Relist(Random random)
    {
        switch (random.Next(6))
        {
            case 2:
                _asked = (_podLog.Count, _clock.GetUtcNow());
                break;
            case 3:
                // The answer to a list takes its time; a reflector does not watch meanwhile.
                if (_asked is var (version, time) && version >= _podsSeen)
                {
                    _podsSeen = version;
                    Cluster.ReplacePods(At(_podLog, version).Values, consistent: true, time);
                }

                _asked = null;
                break;
            case 0:
                _nodesSeen = random.Next(_nodesSeen, _nodeLog.Count + 1);
                Cluster.ReplaceNodes([.. At(_nodeLog, _nodesSeen).Values.Select(s => s.Node())]);
                break;
            case 1:
                _reportsSeen = random.Next(_reportsSeen, _reportLog.Count + 1);
                Cluster.ReplaceReports(At(_reportLog, _reportsSeen).ToDictionary(r => r.Key, r => r.Value.Report()));
                break;
            default:
                // Like a reflector's, the list is never older than what the watch has shown.
                _podsSeen = random.Next(2) == 0 ? _podLog.Count : random.Next(_podsSeen, _podLog.Count + 1);
                Cluster.ReplacePods(At(_podLog, _podsSeen).Values, consistent: _podsSeen == _podLog.Count);
                break;
        }
    }

    private void Restart(Random random)
    {
        while (_inFlight.Count > 0)
        {
            Finish(random);
        }

        _engine = NewEngine();
        _asked = null;
        Action[] lists =
        [
            () => Cluster.ReplaceNodes([.. At(_nodeLog, _nodesSeen = _nodeLog.Count).Values.Select(s => s.Node())]),
            () => Cluster.ReplaceReports(At(_reportLog, _reportsSeen = _reportLog.Count).ToDictionary(r => r.Key, r => r.Value.Report())),
            () => Cluster.ReplacePods([.. At(_podLog, _podsSeen = _podLog.Count).Values.OrderBy(_ => random.Next())], consistent: true),
        ];
        random.Shuffle(lists);
        foreach (var list in lists)
        {
            list();
        }

        _old = Cluster.Current;
    }

    private void Change(Random random)
    {
        var name = $"node-{random.Next(1, 6)}";
        if (!At(_nodeLog, _nodeLog.Count).TryGetValue(name, out var shape))
        {
            var last = _nodeLog.LastOrDefault(n => n.Name == name && n.Shape is not null).Shape;
            _nodeLog.Add((name, last ?? new NodeShape((NodeKind)random.Next(6), name)));
            return;
        }

        switch (random.Next(7))
        {
            case 0:
                _nodeLog.Add((name, null));
                break;
            case 1:
                _nodeLog.Add((name, shape with { Missing = random.Next(3) }));
                break;
            case 2:
                _reportLog.Add((name, null));
                break;
            default:
                _reportLog.Add((name, shape with { Unhealthy = random.Next(2) == 0 ? 0 : 1 << random.Next(8), FirstIsWhole = random.Next(2) == 0 }));
                break;
        }
    }

    private void Pass(Random random, TimeSpan time)
    {
        // A bind has its outcome, and the watch has shown it, long before a promise expires.
        while (_inFlight.Count > 0)
        {
            Finish(random);
        }

        DeliverPods(int.MaxValue);
        _clock.Advance(time);
        Assert.DoesNotContain(Cluster.Expire(), a => a.State is AllocationState.Bound or AllocationState.Presumed);
        Assert.DoesNotContain(Cluster.Expire(), _ => true);
    }

    private List<AuditedHold> Holds()
    {
        var holds = new List<AuditedHold>();
        foreach (var (uid, shape) in _shapes)
        {
            if (Cluster.TryGetAllocation(uid, out var allocation) && allocation.State is AllocationState.Promised or AllocationState.Committed or AllocationState.Bound)
            {
                holds.Add(shape.Hold(uid, allocation.Node, allocation.Devices));
            }
        }

        return holds;
    }

    private void AssertNothingIsHeldTwice()
    {
        var ledger = ClusterAuditor.Audit([], Holds()).Where(v => v.IsLasting).ToList();
        Assert.True(ledger.Count == 0, "in the ledger: " + string.Join('\n', ledger));
        var bound = Pods().Values.Where(p => p.Assignment is not null && !p.IsTerminal).Select(p => _shapes[p.Uid].Hold(p.Uid, p.NodeName!, p.Assignment!));
        var api = ClusterAuditor.Audit([], bound).Where(v => v.IsLasting).ToList();
        Assert.True(api.Count == 0, "on the API: " + string.Join('\n', api));
    }
}
