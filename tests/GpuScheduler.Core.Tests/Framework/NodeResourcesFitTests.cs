using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

public class NodeResourcesFitTests
{
    private readonly ClusterState _cluster = new(new ManualTimeProvider(), new LedgerOptions());
    private readonly SchedulingEngine _engine;

    public NodeResourcesFitTests() => _engine = new SchedulingEngine(_cluster, new EngineOptions { Profile = Profile.Default.WithNodeResources() });

    [Theory]
    [InlineData("8", "16Gi", null)]
    [InlineData("8001m", "1Gi", "node has less CPU than asked for")]
    [InlineData("8", "16385Mi", "node has less memory than asked for")]
    [InlineData("0", "0", null)]
    public void What_fits_to_the_last_unit_fits_and_what_the_empty_node_lacks_preemption_cannot_cure(string cpu, string memory, string? reason)
    {
        AddNode();
        var status = Filter(new PodBuilder("p").Request("cpu", cpu).Request("memory", memory));
        Assert.Equal(reason is null ? Status.Success.Reason : reason, status.Reason);
        Assert.Equal(reason is null ? StatusCode.Success : StatusCode.UnschedulableAndUnresolvable, status.Code);
    }

    [Theory]
    [InlineData("4001m", "1Gi", "not enough free CPU")]
    [InlineData("1", "8193Mi", "not enough free memory")]
    [InlineData("4", "8Gi", null)]
    public void What_other_pods_took_they_could_give_back(string cpu, string memory, string? reason)
    {
        AddNode();
        Bind("old", "4", "8Gi");
        var status = Filter(new PodBuilder("p").Request("cpu", cpu).Request("memory", memory));
        Assert.Equal(reason ?? "", status.Reason);
        Assert.Equal(reason is null ? StatusCode.Success : StatusCode.Unschedulable, status.Code);
        _cluster.DeletePod("old");
        Assert.True(Filter(new PodBuilder("p").Request("cpu", cpu).Request("memory", memory)).IsSuccess);
    }

    [Fact]
    public void Where_more_is_requested_than_there_is_a_pod_that_asks_for_none_still_fits()
    {
        AddNode();
        Bind("old", "9", "17Gi");
        Assert.True(Filter(new PodBuilder("p")).IsSuccess);
        Assert.Equal(Reasons.LittleFreeCpu, Filter(new PodBuilder("p").Request("cpu", "1m")));
        Assert.Equal(Reasons.LittleFreeMemory, Filter(new PodBuilder("p").Request("memory", "1")));
    }

    [Fact]
    public void Pods_are_counted_where_the_node_says_how_many_it_takes()
    {
        AddNode(("pods", "2"));
        _cluster.UpsertNode(new NodeBuilder("free").Gpus("T4", 2).Build());
        Bind("old", "1", "1Gi");
        Assert.Equal("n", _engine.Schedule(new PodBuilder("p").Build()).Node);
        Assert.Equal(Reasons.ManyPods, Filter(new PodBuilder("q")));
        for (var i = 0; i < 200; i++)
        {
            Assert.Equal("free", _engine.Schedule(new PodBuilder($"more-{i}").Build()).Node);
        }
    }

    [Fact]
    public void CPU_that_only_a_hold_takes_is_second_choice()
    {
        AddNode();
        _cluster.Hold(new PodBuilder("h").Request("cpu", "5").Gpus(1).Build(), "n");
        Assert.Equal(Reasons.Held, Filter(new PodBuilder("p").Request("cpu", "4"), passes: true));
        _cluster.UpsertNode(new NodeBuilder("other").Gpus("T4", 1).Build());
        Assert.Equal("other", _engine.Schedule(new PodBuilder("p").Request("cpu", "4").Build()).Node);
        Assert.Null(_engine.Schedule(new PodBuilder("q").Request("cpu", "61").Build()).Node);
        Assert.Equal("n", _engine.Schedule(new PodBuilder("r").Request("cpu", "4").Request("memory", "1Gi").Gpus(2).Build()).Node);
    }

    [Fact]
    public void A_GPU_pod_needs_its_CPU_and_memory_beside_its_GPUs()
    {
        AddNode();
        Assert.Equal(Reasons.TooLittleCpu, Filter(new PodBuilder("p").Gpus(1).Request("cpu", "9")));
        Assert.Equal(Reasons.TooLittleMemory, Filter(new PodBuilder("p").Gpus(1).Request("memory", "17Gi")));
        Assert.True(Filter(new PodBuilder("p").Gpus(1).Request("cpu", "8").Request("memory", "16Gi")).IsSuccess);
        Assert.False(_engine.Promise(new PodBuilder("p").Gpus(1).Request("cpu", "9").Build(), "n").IsGranted);
    }

    [Fact]
    public void The_services_profile_leaves_CPU_and_memory_to_kube_scheduler()
    {
        AddNode();
        var service = new SchedulingEngine(_cluster, new EngineOptions());
        var statuses = new Status[1];
        service.Filter(new PodBuilder("p").Gpus(1).Request("cpu", "100").Request("memory", "1Ti").Build(), _cluster.Current, [0], statuses);
        Assert.Equal([Status.Success], statuses);
    }

    private void AddNode(params (string Resource, string Quantity)[] more)
    {
        var node = new NodeBuilder("n").Gpus("T4", 2).Allocatable("cpu", "8").Allocatable("memory", "16Gi");
        foreach (var (resource, quantity) in more)
        {
            node.Allocatable(resource, quantity);
        }

        _cluster.UpsertNode(node.Build());
    }

    private void Bind(string uid, string cpu, string memory) =>
        _cluster.UpsertPod(new PodBuilder(uid).Request("cpu", cpu).Request("memory", memory).On("n").Build());

    private Status Filter(PodBuilder pod, bool passes = false)
    {
        var snapshot = _cluster.Current;
        var statuses = new Status[snapshot.Nodes.Length];
        _engine.Filter(pod.Build(), snapshot, [.. Enumerable.Range(0, statuses.Length)], statuses);
        var verdict = new NodeEvaluator(Profile.Default.WithNodeResources()).Judge(new CycleState(pod.Build()), snapshot.Find("n")!);
        Assert.Equal(passes ? Status.Success : verdict, statuses[0]);
        return verdict;
    }
}
