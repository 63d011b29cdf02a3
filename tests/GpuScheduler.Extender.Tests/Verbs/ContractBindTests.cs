using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Kubernetes;
using GpuScheduler.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>Binds on a node with HAMi's device plugin and one with gpushare's.</summary>
public sealed class ContractBindTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly ClusterState _cluster;
    private readonly FakeBinder _api = new();
    private readonly FakeLock _lock = new();
    private readonly RecentPods _recent = new();
    private readonly ExtenderOptions _options = new();

    public ContractBindTests()
    {
        _cluster = new ClusterState(_time, new LedgerOptions());
        _cluster.UpsertNode(new NodeBuilder("hami").Whole(20).Build());
        _cluster.UpsertReport("hami", new NodeReport([.. Enumerable.Range(0, 2).Select(i => new GpuInfo { Index = i, Uuid = $"GPU-{i}", MemoryMiB = 40_000 })], null, null));
        _cluster.UpsertNode(new NodeBuilder("gpushare").Allocatable("aliyun.com/gpu-mem", "80").Allocatable("aliyun.com/gpu-count", "2").Build());
    }

    [Fact]
    public async Task The_lock_is_held_from_before_the_bind_until_the_plugin_releases_it()
    {
        var answer = await BindAsync(Handler(), Hami("a"), "hami");

        Assert.Equal("", answer.Error);
        Assert.Equal(["take hami a"], _lock.Calls);
        Assert.Contains(KeyValuePair.Create("hami.io/vgpu-devices-to-allocate", "GPU-0,NVIDIA,1000,0:;"), Assert.Single(_api.Contracts).Annotations);
    }

    [Fact]
    public async Task A_rejected_bind_gives_the_lock_back_and_an_unknown_one_does_not()
    {
        _api.Bind = _ => Task.FromResult(BindOutcome.Rejected("pod is gone"));
        Assert.Equal("the pod was not bound: pod is gone", (await BindAsync(Handler(), Hami("a"), "hami")).Error);
        Assert.Equal(["take hami a", "release hami a"], _lock.Calls);

        _api.Bind = _ => Task.FromResult(BindOutcome.Unknown("silence"));
        await BindAsync(Handler(), Hami("b"), "hami");
        Assert.Equal(["take hami a", "release hami a", "take hami b"], _lock.Calls);
    }

    [Fact]
    public async Task A_lock_that_is_not_free_is_a_refusal_that_holds_nothing()
    {
        _lock.Refusal = "HAMi's lock of node hami was not free in time";
        Assert.Equal("the pod was not bound: HAMi's lock of node hami was not free in time", (await BindAsync(Handler(), Hami("a"), "hami")).Error);
        Assert.Empty(_api.Posted);
        Assert.False(_cluster.TryGetAllocation("a", out _));
    }

    [Fact]
    public async Task Binds_on_a_node_come_one_after_the_other_and_their_times_in_that_order()
    {
        var handler = Handler();
        var gates = Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource<BindOutcome>()).ToArray();
        var posted = 0;
        _api.Bind = _ =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            return gates[posted++].Task;
        };
        var binds = Enumerable.Range(0, 3).Select(i => BindAsync(handler, Gpushare($"g{i}"), "gpushare")).ToArray();
        for (var i = 0; i < gates.Length; i++)
        {
            Assert.Equal(i + 1, _api.Posted.Count);
            gates[i].SetResult(BindOutcome.Bound);
            await binds[i];
            for (var n = 0; n < 200 && i + 1 < gates.Length && _api.Posted.Count == i + 1; n++)
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }

        var times = _api.Contracts.Select(c => long.Parse(c.Annotations.Single(a => a.Key == "ALIYUN_COM_GPU_MEM_ASSUME_TIME").Value)).ToList();
        Assert.Equal(times.Order(), times);
        Assert.Equal(3, times.Distinct().Count());
        Assert.Empty(_lock.Calls);
    }

    [Fact]
    public async Task A_bind_whose_turn_does_not_come_is_refused()
    {
        _options.Dialects.NodeWait = TimeSpan.FromMilliseconds(50);
        var gate = new TaskCompletionSource<BindOutcome>();
        _api.Bind = _ => gate.Task;
        var handler = Handler();
        var first = BindAsync(handler, Gpushare("a"), "gpushare");
        Assert.Equal("the pod was not bound: other pods are still being bound to node gpushare, whose device plugin takes one after the other", (await BindAsync(handler, Gpushare("b"), "gpushare")).Error);
        gate.SetResult(BindOutcome.Bound);
        Assert.Equal("", (await first).Error);
    }

    [Fact]
    public async Task Nothing_is_written_for_a_dialect_that_is_not_to_be_written()
    {
        _options.Dialects.Write = "gpushare";
        Assert.Equal("", (await BindAsync(Handler(), Hami("a"), "hami")).Error);
        Assert.Empty(_lock.Calls);
        Assert.True(Assert.Single(_api.Contracts).IsEmpty);
    }

    private BindHandler Handler() => new(
        new SchedulingEngine(_cluster, new EngineOptions()), _api, _recent, new SettingsInUse(_options), new ExtenderMetrics(_cluster, "ContractBindTests"), NullLogger<BindHandler>.Instance, _lock, _time);

    private PodInfo Hami(string uid) => Seen(new PodBuilder(uid).Gpus(1).Request("nvidia.com/gpumem", "1000").Build());

    private PodInfo Gpushare(string uid) => Seen(new PodBuilder(uid).Request("aliyun.com/gpu-mem", "4").Build());

    private PodInfo Seen(PodInfo pod)
    {
        pod = pod with { Name = pod.Uid };
        _cluster.UpsertPod(pod);
        return pod;
    }

    private static Task<BindAnswer> BindAsync(BindHandler handler, PodInfo pod, string node) => handler.BindAsync(new BindingArgs(pod.Name, pod.Namespace, pod.Uid, node));

    private sealed class FakeLock : INodeLock
    {
        public string? Refusal { get; set; }

        public List<string> Calls { get; } = [];

        public Task<string?> TakeAsync(string node, string podNamespace, string podName, CancellationToken cancellationToken)
        {
            Calls.Add($"take {node} {podName}");
            return Task.FromResult(Refusal);
        }

        public Task ReleaseAsync(string node, string podNamespace, string podName, CancellationToken cancellationToken)
        {
            Calls.Add($"release {node} {podName}");
            return Task.CompletedTask;
        }
    }
}
