using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
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

/// <summary>One node with eight GPUs, and an API server that fails in every way.</summary>
public sealed class BindHandlerTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly ClusterState _cluster;
    private readonly FakeBinder _api = new();
    private readonly RecentPods _recent = new();
    private readonly ExtenderOptions _options = new();
    private readonly BindHandler _handler;

    public BindHandlerTests()
    {
        _cluster = new ClusterState(_time, new LedgerOptions());
        _cluster.UpsertNode(new NodeBuilder("n1").Gpus("NVIDIA-H100-80GB-HBM3", 8).Build());
        _cluster.UpsertNode(new NodeBuilder("n2").Gpus("NVIDIA-H100-80GB-HBM3", 8).Build());
        _handler = new BindHandler(new SchedulingEngine(_cluster, new EngineOptions()), _api, _recent, new SettingsInUse(_options), new ExtenderMetrics(_cluster, "BindHandlerTests"), NullLogger<BindHandler>.Instance);
    }

    [Fact]
    public async Task What_is_posted_is_what_the_ledger_holds_and_the_answer_names()
    {
        var answer = await BindAsync(Seen("a", 3), "n1");

        Assert.Equal("", answer.Error);
        Assert.Equal(3, answer.Devices.Devices.Length);
        Assert.Equal(("a", "n1", answer.Devices), Assert.Single(_api.Posted));
        Assert.True(_cluster.TryGetAllocation("a", out var held));
        Assert.Equal((AllocationState.Committed, answer.Devices), (held.State, held.Devices));
    }

    [Fact]
    public async Task A_bind_asked_for_again_posts_nothing_and_answers_the_same()
    {
        var pod = Seen("a", 3);
        var first = await BindAsync(pod, "n1");

        var second = await BindAsync(pod, "n1");
        _cluster.UpsertPod(pod with { NodeName = "n1", Assignment = first.Devices });
        var third = await BindAsync(pod, "n1");

        Assert.Equal([first, first], [second, third]);
        Assert.Single(_api.Posted);
    }

    [Fact]
    public async Task A_bound_pod_is_not_bound_to_a_second_node()
    {
        var pod = Seen("a", 3);
        await BindAsync(pod, "n1");

        var answer = await BindAsync(pod, "n2");

        Assert.Equal("pod is already bound to node n1", answer.Error);
        Assert.Single(_api.Posted);
        Assert.Equal(8, FreeOn("n2"));
    }

    [Fact]
    public async Task A_rejected_bind_releases_the_devices()
    {
        var pod = Seen("a", 8);
        _api.Bind = _ => Task.FromResult(BindOutcome.Rejected("pod a is being deleted"));

        var answer = await BindAsync(pod, "n1");

        Assert.Equal("the pod was not bound: pod a is being deleted", answer.Error);
        Assert.Equal(8, FreeOn("n1"));
        _api.Bind = _ => Task.FromResult(BindOutcome.Bound);
        Assert.Equal("", (await BindAsync(Seen("b", 8), "n1")).Error);
    }

    [Fact]
    public async Task A_bind_of_unknown_outcome_keeps_the_devices_promised_until_the_promise_expires()
    {
        var pod = Seen("a", 8);
        _api.Bind = _ => Task.FromResult(BindOutcome.Unknown("connection reset"));

        var answer = await BindAsync(pod, "n1");

        Assert.Equal("whether the binding took effect is not known: connection reset", answer.Error);
        await OthersAreRefusedAsync();
        Assert.Equal("a bind of this pod is already on its way", (await BindAsync(pod, "n1")).Error);

        _time.Advance(new LedgerOptions().PromiseHold + TimeSpan.FromSeconds(1));
        Assert.Equal("a", Assert.Single(_cluster.Expire()).Pod.Uid);
        _api.Bind = _ => Task.FromResult(BindOutcome.Bound);
        Assert.Equal("", (await BindAsync(Seen("b", 8), "n1")).Error);
    }

    [Fact]
    public async Task An_exception_is_an_unknown_outcome()
    {
        _api.Bind = _ => throw new HttpRequestException("no route to host");

        var answer = await BindAsync(Seen("a", 8), "n1");

        Assert.Equal("whether the binding took effect is not known: no route to host", answer.Error);
        await OthersAreRefusedAsync();
    }

    [Fact]
    public async Task An_API_server_that_never_answers_ends_at_the_bind_timeout_and_the_outcome_is_unknown()
    {
        _options.BindTimeout = TimeSpan.FromMilliseconds(50);
        _api.Bind = async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return BindOutcome.Bound;
        };

        var answer = await BindAsync(Seen("a", 8), "n1");

        Assert.StartsWith("whether the binding took effect is not known: ", answer.Error, StringComparison.Ordinal);
        await OthersAreRefusedAsync();
    }

    [Fact]
    public async Task When_the_watch_shows_the_pod_bound_the_unknown_becomes_known()
    {
        var pod = Seen("a", 8);
        _api.Bind = _ => Task.FromResult(BindOutcome.Unknown("timeout"));
        await BindAsync(pod, "n1");
        var posted = Assert.Single(_api.Posted).Devices;

        _cluster.UpsertPod(pod with { NodeName = "n1", Assignment = posted });

        Assert.Equal(new BindAnswer("", posted), await BindAsync(pod, "n1"));
        Assert.Single(_api.Posted);
    }

    [Fact]
    public async Task A_second_bind_while_the_first_is_on_its_way_is_refused_and_the_first_goes_on()
    {
        var pod = Seen("a", 8);
        var api = new TaskCompletionSource<BindOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        _api.Bind = _ => api.Task;
        var first = BindAsync(pod, "n1");

        Assert.Equal("a bind of this pod is already on its way", (await BindAsync(pod, "n1")).Error);
        Assert.Equal("a bind of this pod is already on its way", (await BindAsync(pod, "n2")).Error);
        await OthersAreRefusedAsync();
        api.SetResult(BindOutcome.Bound);

        Assert.Equal("", (await first).Error);
        Assert.Single(_api.Posted);
    }

    [Fact]
    public async Task A_pod_that_is_gone_before_its_bind_is_answered_holds_nothing_any_more()
    {
        var pod = Seen("a", 8);
        _api.Bind = _ =>
        {
            _cluster.DeletePod("a");
            return Task.FromResult(BindOutcome.Bound);
        };

        await BindAsync(pod, "n1");

        Assert.Equal(8, FreeOn("n1"));
    }

    [Fact]
    public async Task A_pod_that_filter_never_saw_is_asked_of_the_API_server()
    {
        _api.Pod = () => new PodBuilder("a").Gpus(2).Build();

        Assert.Equal("", (await _handler.BindAsync(new BindingArgs("pod-a", "default", "a", "n1"))).Error);
        Assert.Equal(6, FreeOn("n1"));
    }

    [Fact]
    public async Task A_pod_of_another_UID_or_none_at_all_is_not_bound()
    {
        Assert.Equal(
            "pod default/pod-a with UID a is not known: it was deleted or created anew",
            (await _handler.BindAsync(new BindingArgs("pod-a", "default", "a", "n1"))).Error);

        _api.Pod = () => new PodBuilder("another").Gpus(2).Build();
        Assert.Equal(
            "pod default/pod-a with UID a is not known: it was deleted or created anew",
            (await _handler.BindAsync(new BindingArgs("pod-a", "default", "a", "n1"))).Error);

        _api.Pod = () => throw new TimeoutException("too slow");
        Assert.Equal(
            "pod default/pod-a could not be read from the API server: too slow",
            (await _handler.BindAsync(new BindingArgs("pod-a", "default", "a", "n1"))).Error);
        Assert.Empty(_api.Posted);
    }

    [Fact]
    public async Task A_pod_whose_request_cannot_be_understood_is_not_bound()
    {
        var answer = await BindAsync(Remember(new PodBuilder("a").Gpus(1).Nvlink("perhaps").Build()), "n1");

        Assert.Contains("required, preferred or none is allowed", answer.Error, StringComparison.Ordinal);
        Assert.Empty(_api.Posted);
    }

    [Fact]
    public async Task A_node_that_is_not_known_or_will_not_do_is_refused_before_anything_is_posted()
    {
        Assert.Equal("node nobody is not known to gpu-scheduler", (await BindAsync(Seen("a", 1), "nobody")).Error);
        Assert.Equal("GPU model is not among those asked for", (await BindAsync(Remember(new PodBuilder("b").Gpus(1).Model("V100").Build()), "n1")).Error);
        Assert.Equal("node has fewer GPUs than asked for", (await BindAsync(Seen("c", 9), "n1")).Error);
        Assert.Empty(_api.Posted);
        Assert.Equal(8, FreeOn("n1"));
    }

    [Fact]
    public async Task A_pod_without_GPUs_is_bound_without_devices()
    {
        var answer = await BindAsync(Remember(new PodBuilder("a").Request("cpu", "1").Build()), "n1");

        Assert.Equal("", answer.Error);
        Assert.Empty(Assert.Single(_api.Posted).Devices.Devices);
    }

    [Fact]
    public async Task Only_as_many_recent_pods_are_remembered_as_fit_and_the_newest_stay()
    {
        for (var i = 0; i < 5000; i++)
        {
            Seen($"recent-{i}", 1);
        }

        Assert.Equal("", (await BindAsync(_recent.Find("recent-4999")!, "n1")).Error);
        Assert.Null(_recent.Find("recent-0"));
        Assert.NotNull(_recent.Find("recent-904"));
    }

    private Task<BindAnswer> BindAsync(PodInfo pod, string node) => _handler.BindAsync(new BindingArgs(pod.Name, pod.Namespace, pod.Uid, node));

    private PodInfo Seen(string uid, int gpus) => Remember(new PodBuilder(uid).Gpus(gpus).Build());

    private PodInfo Remember(PodInfo pod)
    {
        _recent.Remember(pod);
        return pod;
    }

    private int FreeOn(string node) => _cluster.Current.Find(node)!.FreeGpus;

    private async Task OthersAreRefusedAsync() => Assert.Equal("not enough free GPUs", (await BindAsync(Seen("other", 1), "n1")).Error);
}
