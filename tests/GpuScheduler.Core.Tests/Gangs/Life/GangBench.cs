using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs.Life;

/// <summary>A cluster of 8-GPU nodes with the engine on it, and a caller in the place of kube-scheduler.</summary>
internal sealed class GangBench
{
    public GangBench(int nodes, GangOptions? options = null)
    {
        Cluster = new ClusterState(Time, new LedgerOptions());
        Engine = new SchedulingEngine(Cluster, new EngineOptions { Gangs = options ?? new GangOptions() });
        for (var i = 0; i < nodes; i++)
        {
            Cluster.UpsertNode(Node($"n{i}"));
        }
    }

    public ManualTimeProvider Time { get; } = new();

    public ClusterState Cluster { get; }

    public SchedulingEngine Engine { get; }

    public GangScheduler Gangs => Engine.Gangs!;

    public static NodeObject Node(string name, string rack = "r0") => new NodeBuilder(name).Gpus("NVIDIA-H100-80GB-HBM3", 8).Label("network.topology.nvidia.com/leaf", rack).Build();

    public static PodInfo Member(string gang, int number, int gpus, int min, int size = 0, int priority = 0, params (string Name, string Value)[] more)
    {
        var pod = new PodBuilder($"{gang}-{number}").Priority(priority).Annotate(GpuAnnotations.GangName, gang).Annotate(GpuAnnotations.GangMinMembers, min.ToString(CultureInfo.InvariantCulture))
            .Annotate(GpuAnnotations.GangSize, Math.Max(min, size).ToString(CultureInfo.InvariantCulture));
        foreach (var (name, value) in more)
        {
            pod.Annotate(name, value);
        }

        return (gpus > 0 ? pod.Gpus(gpus) : pod).Build();
    }

    /// <summary>The members of a gang, all seen on the API.</summary>
    public PodInfo[] Arrive(string gang, int members, int gpus, int? min = null, int priority = 0, params (string Name, string Value)[] more)
    {
        var pods = Enumerable.Range(0, members).Select(i => Member(gang, i, gpus, min ?? members, members, priority, more)).ToArray();
        foreach (var pod in pods)
        {
            Cluster.UpsertPod(pod);
        }

        return pods;
    }

    /// <summary>The node that filter answers, or why there is none.</summary>
    public (string? Node, string Why) Filter(PodInfo pod, params string[] offered)
    {
        var snapshot = Cluster.Current;
        var candidates = Enumerable.Range(0, snapshot.Nodes.Length).Where(i => snapshot.Nodes[i] is { } n && (offered.Length == 0 || offered.Contains(n.Facts.Name))).ToArray();
        var statuses = new Status[candidates.Length];
        var passed = Engine.Filter(pod, snapshot, candidates, statuses);
        Assert.True(passed <= 1 || !pod.Request.WantsGpu, "a member of a gang goes to one node");
        var at = Array.FindIndex(statuses, s => s.IsSuccess);
        return at >= 0 ? (snapshot.Nodes[candidates[at]]!.Facts.Name, "") : (null, statuses.Length > 0 ? statuses[0].Reason : "");
    }

    public string Place(PodInfo pod, params string[] offered)
    {
        var (node, why) = Filter(pod, offered);
        Assert.True(node is not null, why);
        return node;
    }

    /// <summary>The bind of a promise succeeds and the watch shows it.</summary>
    public void Bound(PodInfo pod, PromiseResult promise)
    {
        Assert.True(promise.IsGranted, promise.Refusal);
        Cluster.Commit(pod.Uid);
        Cluster.UpsertPod(pod with { NodeName = promise.Allocation.Node, Assignment = promise.Allocation.Devices });
    }

    /// <summary>All members are filtered and bound.</summary>
    public void Run(IEnumerable<PodInfo> pods)
    {
        var binds = pods.Select(p => (Pod: p, Promise: Engine.PromiseAsync(p, Place(p)))).ToList();
        foreach (var (pod, promise) in binds)
        {
            Bound(pod, Answer(promise));
        }
    }

    public static PromiseResult Answer(Task<PromiseResult> task)
    {
        Assert.True(task.IsCompletedSuccessfully, "the bind still waits");
        return task.Result;
    }

    public int Holding(AllocationState state) => Cluster.CountAllocations().GetValueOrDefault(state);

    public void Pass(TimeSpan time)
    {
        Time.Advance(time);
        Cluster.Expire();
        Gangs.Sweep();
    }
}
