using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>Calls with whole Nodes: by default a question that leaves no trace.</summary>
public sealed class WholeNodesTests : IAsyncLifetime
{
    private static readonly string[] s_gangNames = ["gpuscheduler.io/gang-name", "gpuscheduler.io/gang-size"];

    private RunningService _service = null!;

    public async ValueTask InitializeAsync() => _service = await RunningService.StartAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task No_hold_no_plan_no_decision_and_no_readiness_comes_of_them()
    {
        var cluster = _service.Services.GetRequiredService<ClusterState>();
        var engine = _service.Services.GetRequiredService<SchedulingEngine>();
        var recent = _service.Services.GetRequiredService<RecentPods>();
        var decisions = _service.Services.GetRequiredService<DecisionLog>();
        var (generation, allocations) = (cluster.Current.Generation, Allocations(cluster));

        // Those of this service: others of the same process have instruments of the same names.
        var recorded = new ConcurrentBag<string>();
        var own = _service.Services.GetRequiredService<ExtenderMetrics>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (own.Has(instrument) && instrument.Name is ("gpu_scheduler.verb.duration" or "gpu_scheduler.node.refusals"))
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, _, _) => recorded.Add(instrument.Name));
        listener.SetMeasurementEventCallback<long>((instrument, _, _, _) => recorded.Add(instrument.Name));
        listener.Start();
        string[] pods =
        [
            Requests.Pod("w1", 1),
            Requests.Pod("w2", new PodShape { ShareCount = 1, ShareMilli = 500 }),
            Requests.Pod("w3", new Dictionary<string, string> { ["nvidia.com/gpu"] = "8" }, new Dictionary<string, string> { [s_gangNames[0]] = "g", [s_gangNames[1]] = "1" }),
            Requests.Pod("w4", new Dictionary<string, string> { ["nvidia.com/gpu"] = "one" }, new Dictionary<string, string>()),
        ];
        await Parallel.ForAsync(0, 40, TestContext.Current.CancellationToken, async (i, _) =>
        {
            var nodes = Repository.ExampleNodes.Skip(i % 3).Select(n => Node(n)).Append(Template("new", 8));
            await _service.PostAsync(i % 2 == 0 ? "filter" : "prioritize", Requests.NodesArgs(pods[i / 2 % pods.Length], i % 5 == 0 ? [Node("h100-01")] : nodes));
        });

        Assert.Equal((generation, allocations), (cluster.Current.Generation, Allocations(cluster)));
        Assert.Empty(decisions.List(null, null, 10));
        Assert.Empty(decisions.Waiting());
        Assert.All(["w1", "w2", "w3", "w4"], uid => Assert.Null(recent.Find(uid)));
        Assert.Empty(engine.Gangs!.Find("team", "g"));
        Assert.Equal(JsonValueKind.Array, (await _service.GetAsync("/v1/gangs")).Json.GetProperty("gangs").ValueKind);
        var metrics = Encoding.UTF8.GetString((await _service.GetAsync("/metrics")).Body);
        Assert.Contains("gpu_scheduler_decisions_total{otel_scope_name=\"GpuScheduler.Extender\",outcome=\"simulated\",verb=\"filter\"}", metrics, StringComparison.Ordinal);
        Assert.Empty(recorded);
    }

    [Fact]
    public async Task A_node_that_there_is_not_yet_is_judged_by_what_was_sent_of_it()
    {
        string[] items = [Template("few", 2), Node("cpu-01"), Template("enough", 8), Node("h100-01"), """{"metadata":{"name":"odd","labels":[]}}"""];
        var answer = await _service.PostAsync("filter", Requests.NodesArgs(Requests.Pod("t1", 4), items));

        Assert.Equal(["enough", "h100-01"], AnswerShape.Filter(answer.Json));
        Assert.Equal([items[2], items[3]], answer.Json.GetProperty("Nodes").GetProperty("items").EnumerateArray().Select(n => n.GetRawText()));
        var refused = answer.Json.GetProperty("FailedAndUnresolvableNodes");
        Assert.Equal("node has fewer GPUs than asked for", refused.GetProperty("few").GetString());
        Assert.StartsWith("Node object cannot be understood: metadata.labels must be", refused.GetProperty("odd").GetString(), StringComparison.Ordinal);
        var scores = AnswerShape.Prioritize((await _service.PostAsync("prioritize", Requests.NodesArgs(Requests.Pod("t1", 4), items))).Json);
        Assert.Equal(["few", "cpu-01", "enough", "h100-01", "odd"], scores.Select(s => s.Host));
        Assert.Equal(10, scores.Max(s => s.Score));
        Assert.True(scores[2].Score > 0 && scores[3].Score > 0 && scores[0].Score == 0 && scores[4].Score == 0);
    }

    [Fact]
    public async Task A_setting_makes_them_the_calls_of_a_kube_scheduler_again()
    {
        await using var service = await RunningService.StartAsync(("Engine:WholeNodes", "schedule"));
        var cluster = service.Services.GetRequiredService<ClusterState>();
        var answer = await service.PostAsync("filter", Requests.NodesArgs(Requests.Pod("s1", 4), Node("h100-01"), Template("new", 8)));

        Assert.Equal(["h100-01"], AnswerShape.Filter(answer.Json));
        Assert.True(cluster.TryGetAllocation("s1", out _));
        Assert.Equal("node is not known to gpu-scheduler", answer.Json.GetProperty("FailedAndUnresolvableNodes").GetProperty("new").GetString());
        Assert.Single(service.Services.GetRequiredService<DecisionLog>().List(null, null, 10));
    }

    [Fact]
    public async Task Names_hold_and_decide_as_ever()
    {
        await _service.PostAsync("filter", Requests.Args(Requests.Pod("n1", 4), "h100-01"));

        Assert.True(_service.Services.GetRequiredService<ClusterState>().TryGetAllocation("n1", out _));
    }

    [Fact]
    public void A_bind_of_a_pod_that_was_asked_about_with_whole_Nodes_only_is_a_warning_once()
    {
        var log = new Warnings();
        var live = new RecentPods();
        var simulated = new SimulatedPods(live, log);
        foreach (var uid in new[] { "a", "b", "c" })
        {
            simulated.Remember(new PodBuilder(uid).Gpus(1).Build());
        }

        live.Remember(new PodBuilder("a").Gpus(1).Build());
        simulated.Binds("a");
        simulated.Binds("never-asked-about");
        Assert.Empty(log.Said);
        simulated.Binds("b");
        simulated.Binds("c");
        Assert.Contains("set Engine:WholeNodes=schedule", Assert.Single(log.Said), StringComparison.Ordinal);
    }

    private static string Allocations(ClusterState cluster) => string.Join(' ', cluster.CountAllocations().OrderBy(a => a.Key));

    private static string Node(string name) => $$"""{"metadata":{"name":"{{name}}"} }""";

    private static string Template(string name, int gpus) =>
        $$$"""{"metadata":{"name":"{{{name}}}","labels":{"nvidia.com/gpu.product":"NVIDIA-H100-80GB-HBM3"} },"status":{"allocatable":{"nvidia.com/gpu":"{{{gpus}}}","cpu":"96"} } }""";

    private sealed class Warnings : ILogger<SimulatedPods>
    {
        public List<string> Said { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Said.Add(formatter(state, exception));
    }
}
