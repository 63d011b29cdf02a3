using System.Diagnostics;
using System.Text.Json;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Extender.Tests.Observability.Otlp;
using GpuScheduler.Testing;
using Google.Protobuf;
using Xunit;

namespace GpuScheduler.Extender.Tests.Observability;

/// <summary>What arrives at a collector. Alone: all services of this process share the source of the spans.</summary>
[Collection("alone")]
public sealed class TraceTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pod_has_one_trace_from_its_first_filter_to_its_bind_with_the_devices(bool grpc)
    {
        await using var receiver = await OtlpReceiver.StartAsync(grpc);
        await using (var service = await RunningService.StartAsync(("Otlp:Endpoint", receiver.Endpoint), ("Otlp:Protocol", grpc ? "grpc" : "http/protobuf"), ("Otlp:Headers", "authorization=secret")))
        {
            var pod = Requests.Pod("traced", 2);
            await service.PostAsync("filter", Requests.Args(pod, "cpu-01", "t4-01"));
            await service.PostAsync("filter", Requests.Args(pod, Repository.ExampleNodes));
            await service.PostAsync("prioritize", Requests.Args(pod, Repository.ExampleNodes));
            await service.PostAsync("bind", Requests.Binding("traced", "h100-03"));
            await service.PostAsync("filter", Requests.Args(Requests.Pod("unbound", 1), Repository.ExampleNodes));
            await service.PostAsync("bind", JsonSerializer.Serialize(new { PodName = "nobody", PodNamespace = "team", PodUID = "nobody", Node = "h100-03" }));
        }

        var spans = receiver.Spans;
        var root = Assert.Single(spans, s => s.Name == "pod" && Tag(s, "k8s.pod.uid") == "traced");
        Assert.Empty(root.ParentSpanId);
        Assert.Equal(("pod-traced", "team", "h100-03"), (Tag(root, "k8s.pod.name"), Tag(root, "k8s.namespace.name"), Tag(root, "k8s.node.name")));
        var devices = DeviceCount(Tag(root, "gpuscheduler.devices")!);
        Assert.Equal(2, devices);

        var children = spans.Where(s => s.TraceId == root.TraceId && s != root).OrderBy(s => s.StartTimeUnixNano).ToList();
        Assert.Equal(["filter", "filter", "prioritize", "bind"], children.Select(c => c.Name));
        Assert.All(children, c => Assert.Equal(root.SpanId, c.ParentSpanId));
        Assert.All(children, c => Assert.True(c.StartTimeUnixNano >= root.StartTimeUnixNano && c.EndTimeUnixNano <= root.EndTimeUnixNano));
        Assert.Equal(("2", "0"), (Tag(children[0], "gpuscheduler.nodes.offered"), Tag(children[0], "gpuscheduler.nodes.passed")));
        Assert.Contains("1: node has no usable GPU", children[0].Attributes.Single(a => a.Key == "gpuscheduler.refusals").Value.ArrayValue.Values.Select(v => v.StringValue));
        Assert.NotNull(Tag(children[2], "k8s.node.name"));
        Assert.Equal(("h100-03", Tag(root, "gpuscheduler.devices")), (Tag(children[3], "k8s.node.name"), Tag(children[3], "gpuscheduler.devices")));

        // What was open when the service stopped says so, and a bind that failed says why.
        Assert.Equal("the service stopped", Tag(Assert.Single(spans, s => s.Name == "pod" && Tag(s, "k8s.pod.uid") == "unbound"), "gpuscheduler.forgotten"));
        var failed = Assert.Single(spans, s => s.Name == "bind" && s.Status?.Code == 2);
        Assert.Contains("is not known", failed.Status.Message, StringComparison.Ordinal);
        Assert.All(receiver.Authorizations, a => Assert.Equal("secret", a));
        Assert.All(receiver.Services, s => Assert.Equal("gpu-scheduler-extender", s));
    }

    [Fact]
    public async Task A_gang_has_one_trace_that_links_to_those_of_its_members_and_they_to_it()
    {
        await using var receiver = await OtlpReceiver.StartAsync(grpc: false);
        await using (var service = await RunningService.StartAsync(("Otlp:Endpoint", receiver.Endpoint), ("Otlp:Protocol", "http/protobuf")))
        {
            string[] uids = ["g0", "g1"];
            foreach (var uid in uids)
            {
                await service.PostAsync("filter", Requests.Args(Member(uid), Repository.ExampleNodes));
            }

            // The snapshot has no watch that shows members, so that they are shown here.
            var cluster = (Core.Cluster.ClusterState)service.Services.GetService(typeof(Core.Cluster.ClusterState))!;
            foreach (var uid in uids)
            {
                cluster.UpsertPod(Kubernetes.PodJsonReader.Read(System.Text.Encoding.UTF8.GetBytes(Member(uid))));
            }

            var nodes = new List<string>();
            foreach (var uid in uids)
            {
                var answer = await service.PostAsync("filter", Requests.Args(Member(uid), Repository.ExampleNodes));
                nodes.Add(Assert.Single(answer.Json.GetProperty("NodeNames").EnumerateArray()).GetString()!);
            }

            var binds = await Task.WhenAll(uids.Zip(nodes, (uid, node) => service.PostAsync("bind", Requests.Binding(uid, node))));
            Assert.All(binds, b => Assert.Equal("", b.Error));
        }

        var gang = Assert.Single(receiver.Spans, s => s.Name == "gang");
        Assert.Equal(("team/train", "2"), (Tag(gang, "gpuscheduler.gang"), Tag(gang, "gpuscheduler.members")));
        var pods = receiver.Spans.Where(s => s.Name == "pod").ToList();
        Assert.Equal(2, pods.Count);
        Assert.Equal(pods.Select(p => p.TraceId).ToHashSet(), gang.Links.Select(l => l.TraceId).ToHashSet());
        Assert.All(pods, p => Assert.Equal((gang.TraceId, "team/train"), (Assert.Single(p.Links).TraceId, Tag(p, "gpuscheduler.gang"))));
        var plan = Assert.Single(receiver.Spans, s => s.Name == "plan" && s.TraceId == gang.TraceId && Tag(s, "gpuscheduler.proof") == "optimal");
        Assert.Equal("0", Tag(plan, "gpuscheduler.gap_percent"));
    }

    [Fact]
    public void Without_a_listener_nothing_is_made_and_nothing_kept()
    {
        using var traces = new PodTraces(TimeProvider.System);
        var pod = new PodBuilder("quiet").Gpus(1).Build();
        var key = new GangKey("team", "annotation", "quiet");
        var proof = new Proof(ProofStatus.Optimal, "tree-dp", 1, 1, "", TimeSpan.Zero);
        Call();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            Call();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Call()
        {
            Assert.Null(traces.Begin("filter", pod));
            Assert.Null(traces.BeginBind("quiet", "team", "pod"));
            traces.GangPlanned(key, proof, TimeSpan.Zero);
            traces.GangReleased(key, "why");
            traces.GangOpened(key, 1, TimeSpan.Zero);
            traces.PodBound("quiet", "node", DeviceAssignment.Empty);
        }
    }

    [Fact]
    public void As_many_stay_open_as_allowed_and_none_that_is_not_heard_of()
    {
        using var source = new ActivitySource("spans under test");
        var ended = new List<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s == source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = a => ended.Add(a.DisplayName + ": " + a.GetTagItem(OpenSpans<int>.Forgotten)),
        };
        ActivitySource.AddActivityListener(listener);
        var clock = new ManualTimeProvider();
        var open = new OpenSpans<int>(2, TimeSpan.FromHours(1), clock);
        Add(1);
        Add(2);
        Assert.NotNull(open.Find(1));
        Add(3);
        Assert.Equal(["2: too many are open"], ended);
        clock.Advance(TimeSpan.FromMinutes(61));
        open.Take(3)!.Stop();
        Add(4);
        Assert.Equal(["2: too many are open", "3: ", "1: it was not heard of for long"], ended);
        open.Clear("the service stopped");
        Assert.Equal((0, "4: the service stopped"), (open.Count, ended[^1]));
        Assert.Null(Activity.Current);

        void Add(int key)
        {
            Assert.NotNull(open.FindOrAdd(key, () => Detached.Start(source, key.ToString(System.Globalization.CultureInfo.InvariantCulture)), out var isNew));
            Assert.True(isNew);
        }
    }

    private static string Member(string uid) => Requests.Pod(uid, new Dictionary<string, string> { ["nvidia.com/gpu"] = "4" }, new Dictionary<string, string>
    {
        ["gpuscheduler.io/gang-name"] = "train",
        ["gpuscheduler.io/gang-size"] = "2",
    });

    private static int DeviceCount(string annotation) => JsonDocument.Parse(annotation).RootElement.GetArrayLength();

    private static string? Tag(Span span, string key) => span.Attributes.FirstOrDefault(a => a.Key == key)?.Value switch
    {
        null => null,
        { HasStringValue: true } v => v.StringValue,
        { HasIntValue: true } v => v.IntValue.ToString(System.Globalization.CultureInfo.InvariantCulture),
        { HasDoubleValue: true } v => v.DoubleValue.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => null,
    };
}
