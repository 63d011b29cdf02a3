using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Shadow;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Shadow;

/// <summary>
/// A cluster whose engine decides alone, pods and gangs that come and go, nodes that come, change and go, and a shadow that follows. Who waits is
/// tried again by the simplest rule there is: everybody, in order, whenever something was freed.
/// </summary>
internal sealed class ShadowStream
{
    private readonly HeardChanges _heard = new();
    private readonly ClusterState _live;
    private readonly SchedulingEngine _engine;
    private readonly ShadowCluster _shadow;
    private readonly Dictionary<string, NodeShape> _nodes = [];
    private readonly List<List<PodInfo>> _works = [];
    private readonly Dictionary<string, PodShape> _shapes = [];
    private readonly bool _isSame;
    private int _next;

    /// <param name="seed">Draws the nodes.</param>
    /// <param name="live">The profile that serves.</param>
    /// <param name="shadow">The profile of the shadow; null for the same again.</param>
    /// <param name="before">Pods that are there when the shadow begins.</param>
    public ShadowStream(int seed, Func<Profile> live, Func<Profile>? shadow = null, int before = 0)
    {
        var random = new Random(seed);
        _isSame = shadow is null;
        _live = new ClusterState(new ManualTimeProvider(), new LedgerOptions()) { Observer = _heard };
        _engine = new SchedulingEngine(_live, new EngineOptions
        {
            Profile = live().WithNodeResources(),
            Gangs = new GangOptions { KeepForNext = false, ReplaceHold = TimeSpan.Zero, BatchLimit = TimeSpan.Zero },
        });
        for (var i = random.Next(2, 6); i > 0; i--)
        {
            PutNode(random, $"node-{i}");
        }

        for (var i = 0; i < before; i++)
        {
            var pod = Pod(random);
            if (_engine.Schedule(pod).Allocation is not null)
            {
                _works.Add([pod]);
            }
            else
            {
                _live.DeletePod(pod.Uid);
            }
        }

        _shadow = ShadowCluster.Begin(_live, [(shadow ?? live)()], new GangOptions(), _heard.Forget).Single();
    }

    /// <summary>The first difference that was seen; null while there is none, and where another profile decides.</summary>
    public string? Difference { get; private set; }

    public int Placed => _shadow.Pods.Values.Count(p => p.Node is not null);

    public int Different => _shadow.Pods.Values.Count(p => p.Node != (_live.TryGetAllocation(p.Pod.Uid, out var held) ? held.Node : null));

    public int Waiting => _shadow.Waiting.Count;

    public void Step(int what, int with)
    {
        var random = new Random(with);
        switch (what % 16)
        {
            case < 7:
                Arrive([Pod(random)]);
                break;
            case < 9:
                Arrive(Gang(random));
                break;
            case < 13:
                if (_works.Count > 0)
                {
                    var over = _works[random.Next(_works.Count)];
                    _works.Remove(over);
                    over.ForEach(p => _live.DeletePod(p.Uid));
                }

                break;
            case < 14:
                PutNode(random, $"node-{random.Next(1, 8)}");
                break;
            case < 15:
                if (_nodes.Count > 0)
                {
                    DeleteNode(_nodes.Keys.Order(StringComparer.Ordinal).ElementAt(random.Next(_nodes.Count)));
                }

                break;
            default:
                _live.ReplaceNodes([.. _nodes.Values.Select(n => n.Node())]);
                break;
        }

        var (generation, ledger) = (_live.Current.Generation, Holds(_live));
        _heard.TellTo(_shadow);
        Audit();
        _shadow.Retry();
        Audit();
        Assert.Equal((generation, ledger), (_live.Current.Generation, Holds(_live)));
        if (_isSame)
        {
            RetryAll();
            Difference ??= FindDifference();
        }
    }

    private static string Holds(ClusterState cluster) => string.Join('\n', cluster.Current.Nodes.OfType<NodeInfo>()
        .SelectMany(n => n.Allocations).Select(a => $"{a.Pod} {a.Node} {a.Devices.ToAnnotation()}").Order(StringComparer.Ordinal));

    private PodInfo Pod(Random random)
    {
        var uid = $"pod-{_next++:d3}";
        _shapes[uid] = PodShape.Random(random);
        return _shapes[uid].Builder(uid).Build();
    }

    private List<PodInfo> Gang(Random random)
    {
        var (name, size, gpus) = ($"gang-{_next++:d3}", random.Next(2, 5), 1 << random.Next(3));
        return
        [
            .. Enumerable.Range(0, size).Select(i =>
            {
                _shapes[$"{name}-{i}"] = new PodShape { Whole = gpus };
                return new PodBuilder($"{name}-{i}").Gpus(gpus).Request("cpu", "100m")
                    .Annotate("gpuscheduler.io/gang-name", name).Annotate("gpuscheduler.io/gang-size", size.ToString(System.Globalization.CultureInfo.InvariantCulture)).Build();
            }),
        ];
    }

    /// <summary>The engine decides, and the shadow is told of the pods as of those that no watch has shown.</summary>
    private void Arrive(List<PodInfo> work)
    {
        _works.Add(work);
        work.ForEach(_shadow.Arrive);
        Decide(work);
    }

    private void Decide(List<PodInfo> work)
    {
        if (work.Count == 1)
        {
            _engine.Schedule(work[0]);
        }
        else
        {
            _engine.ScheduleGang(work);
        }
    }

    private bool IsPlaced(List<PodInfo> work) => _live.TryGetAllocation(work[0].Uid, out _);

    private void RetryAll()
    {
        foreach (var work in _works.OrderByDescending(w => w[0].Priority).Where(w => !IsPlaced(w)).ToList())
        {
            Decide(work);
        }
    }

    private void PutNode(Random random, string name)
    {
        var kind = _nodes.TryGetValue(name, out var present) ? present.Kind : (NodeKind)random.Next(6);
        _nodes[name] = new NodeShape(kind, name);
        _live.UpsertReport(name, _nodes[name].Report());
        _live.UpsertNode(_nodes[name].Node());
    }

    /// <summary>With their node go the pods on it, and those of their gangs, as their controllers see to.</summary>
    private void DeleteNode(string name)
    {
        _nodes.Remove(name);
        _live.DeleteNode(name);
        foreach (var work in _works.Where(w => w.Exists(p => _live.TryGetAllocation(p.Uid, out var held) && held.Node == name)).ToList())
        {
            _works.Remove(work);
            work.ForEach(p => _live.DeletePod(p.Uid));
        }
    }

    private string? FindDifference()
    {
        foreach (var pod in _works.SelectMany(w => w))
        {
            var there = _live.TryGetAllocation(pod.Uid, out var held) ? $"{held.Node} {held.Devices.ToAnnotation()}" : "";
            var here = _shadow.Cluster.TryGetAllocation(pod.Uid, out held) ? $"{held.Node} {held.Devices.ToAnnotation()}" : "";
            if (there != here)
            {
                return $"{pod}: {there} in the cluster, {here} in the shadow";
            }
        }

        return Holds(_live) == Holds(_shadow.Cluster) ? null : "other pods hold something else";
    }

    private void Audit()
    {
        var holds = _shadow.Cluster.Current.Nodes.OfType<NodeInfo>().SelectMany(n => n.Allocations).Select(a => _shapes[a.Pod.Uid].Hold(a.Pod.Uid, a.Node, a.Devices)).ToList();
        var wrong = ClusterAuditor.Audit(_nodes.Values.Select(n => n.Audited(n)), holds);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        foreach (var pod in _shadow.Pods.Values)
        {
            Assert.Equal(pod.Node, _shadow.Cluster.TryGetAllocation(pod.Pod.Uid, out var held) ? held.Node : null);
        }

        Assert.Equal(_shadow.Pods.Values.Count(p => p.Node is null), _shadow.Waiting.Count);

        // Figures are made of what the cluster of the shadow knows.
        Assert.Equal(
            _shadow.Waiting.Select(p => p.Pod.Uid).Order(StringComparer.Ordinal),
            _shadow.Cluster.Pods.Where(p => p.Request.WantsGpu && p.NodeName is null).Select(p => p.Uid).Order(StringComparer.Ordinal));
    }
}
