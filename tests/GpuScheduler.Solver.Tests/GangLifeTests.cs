using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Solver.Tests;

/// <summary>The life of gangs with this solver in it: what it is asked is what it understands.</summary>
public sealed class GangLifeTests : IDisposable
{
    private readonly GangSolver _solver = new();
    private readonly ManualTimeProvider _time = new();
    private readonly ClusterState _cluster;
    private readonly SchedulingEngine _engine;

    public GangLifeTests()
    {
        _cluster = new ClusterState(_time, new LedgerOptions());
        _engine = new SchedulingEngine(_cluster, new EngineOptions { Gangs = new GangOptions { Placer = _solver, Preempts = true, SolveLimit = TimeSpan.FromMinutes(1), BatchLimit = TimeSpan.FromMinutes(1) } });
        for (var i = 0; i < 6; i++)
        {
            _cluster.UpsertNode(new NodeBuilder($"n{i}").Gpus("NVIDIA-H100-80GB-HBM3", 8).Label("network.topology.nvidia.com/leaf", $"r{i / 3}").Build());
        }
    }

    [Fact]
    public void The_cheapest_whole_jobs_inside_one_rack_go_for_a_gang()
    {
        for (var i = 0; i < 6; i++)
        {
            Run(new PodBuilder($"old{i}").Gpus(i < 4 ? 8 : 2).Build(), $"n{i}");
        }

        var gang = Arrive("urgent", 2, priority: 5, (GpuAnnotations.GangRequiredTopology, "rack"));
        Assert.Equal(0, Filter(gang[0]));
        var answer = _engine.Preempt(gang[0], _cluster.Current, [.. Enumerable.Range(0, 6).Select(i => new PreemptionCandidate($"n{i}", [$"old{i}"], 0))]);
        var all = answer.SelectMany(a => a.VictimUids).Concat(_engine.Gangs!.TakeToEvict(9).Select(e => e.Pod.Uid)).Order().ToArray();
        Assert.Equal(["old4", "old5"], all);

        foreach (var uid in all)
        {
            _cluster.DeletePod(uid);
        }

        Pass(2);
        Assert.Equal(["n4", "n5"], Planned().Order());
    }

    [Fact]
    public async Task Gangs_that_compete_are_planned_together_and_the_one_that_is_due_next_is_among_them()
    {
        for (var i = 0; i < 6; i++)
        {
            Run(new PodBuilder($"old{i}").Gpus(8).Priority(9).Build(), $"n{i}");
        }

        Assert.Equal(0, Filter(Arrive("first", 2)[0]));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, Filter(Arrive("second", 4)[0]));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, Filter(Arrive("third", 3)[0]));
        Task<GangBatchPlan>? plan = null;
        _engine.Gangs!.Background = work => plan = Task.Run(work);
        for (var i = 0; i < 6; i++)
        {
            _cluster.DeletePod($"old{i}");
        }

        Pass(2);
        Assert.NotNull(plan);
        Assert.Equal(3, (await plan).Plans.Length);
        Pass(1);

        Assert.Equal(6, Planned().Length);
        Assert.Equal(["first", "second"], _cluster.AllocationsIn(AllocationState.Planned).Select(a => a.Pod.Gang!.Key.Name).Distinct().Order());
    }

    public void Dispose() => _solver.Dispose();

    private string[] Planned() => [.. _cluster.AllocationsIn(AllocationState.Planned).Select(a => a.Node)];

    private void Pass(int seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        _engine.Gangs!.Sweep();
    }

    private PodInfo[] Arrive(string gang, int members, int priority = 0, params (string Name, string Value)[] more)
    {
        var pods = Enumerable.Range(0, members).Select(i =>
        {
            var pod = new PodBuilder($"{gang}-{i}").Gpus(8).Priority(priority).Annotate(GpuAnnotations.GangName, gang).Annotate(GpuAnnotations.GangSize, $"{members}");
            foreach (var (name, value) in more)
            {
                pod.Annotate(name, value);
            }

            return pod.Build();
        }).ToArray();
        foreach (var pod in pods)
        {
            _cluster.UpsertPod(pod);
        }

        return pods;
    }

    private int Filter(PodInfo pod) => _engine.Filter(pod, _cluster.Current, [0, 1, 2, 3, 4, 5], new Status[6]);

    private void Run(PodInfo pod, string node)
    {
        var promise = _engine.Promise(pod, node);
        Assert.True(promise.IsGranted, promise.Refusal);
        _cluster.Commit(pod.Uid);
        _cluster.UpsertPod(pod with { NodeName = node, Assignment = promise.Allocation.Devices });
    }
}
