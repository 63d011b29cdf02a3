using System.Net;
using System.Text;
using System.Text.Json;
using GpuScheduler.V1;
using Xunit;

namespace GpuScheduler.Extender.Tests.Decisions;

/// <summary>What is said of decisions, over HTTP, on the example cluster.</summary>
public sealed class DecisionTests
{
    private static readonly string[] s_nodes = ["h100-01", "h100-02", "h100-03", "v100-01", "a100-pcie-01", "t4-01", "cpu-01"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_filter_leaves_a_record_with_what_was_offered_what_passed_and_each_reason_with_examples()
    {
        await using var service = await RunningService.StartAsync();
        await service.PostAsync("filter", Requests.Args(Requests.Pod("a", 8), [.. s_nodes, "no-such-node"]));

        var decision = Assert.Single((await service.GetAsync("/v1/decisions")).Json.GetProperty("decisions").EnumerateArray());

        Assert.Equal((1, "filter", "team/pod-a", "a"), (decision.GetProperty("seq").GetInt64(), Text(decision, "verb"), Text(decision, "pod"), Text(decision, "uid")));
        Assert.Equal((8, 1, true), (decision.GetProperty("offered").GetInt32(), decision.GetProperty("passed").GetInt32(), decision.GetProperty("ok").GetBoolean()));
        var reasons = decision.GetProperty("reasons").EnumerateArray().ToDictionary(r => Text(r, "reason"));
        Assert.Equal(7, reasons.Values.Sum(r => r.GetProperty("nodes").GetInt32()));
        var busy = reasons["not enough free GPUs"];
        Assert.True(busy.GetProperty("preemptionHelps").GetBoolean());
        Assert.All(busy.GetProperty("examples").EnumerateArray(), e => Assert.Contains(e.GetString(), s_nodes));
        Assert.Equal(0, reasons["node is not known to gpu-scheduler"].GetProperty("examples").GetArrayLength());
        Assert.True(decision.GetProperty("generation").GetInt64() > 0);
        Assert.InRange(decision.GetProperty("time").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddSeconds(1));
    }

    [Fact]
    public async Task Both_wires_leave_the_same_record()
    {
        await using var service = await RunningService.StartAsync();
        await service.PostAsync("filter", Requests.Args(Requests.Pod("a", 4), s_nodes));
        var client = new SchedulerExtender.SchedulerExtenderClient(service.Grpc);
        await client.FilterAsync(new FilterRequest { Pod = Requests.Message("a", new Testing.PodShape { Whole = 4 }), NodeNames = { s_nodes } }, cancellationToken: Cancellation);

        var both = (await service.GetAsync("/v1/decisions")).Json.GetProperty("decisions").EnumerateArray().ToArray();

        Assert.Equal(2, both.Length);
        Assert.Equal(both[1].GetProperty("reasons").GetRawText(), both[0].GetProperty("reasons").GetRawText());
        Assert.Equal([2, 1], both.Select(d => d.GetProperty("seq").GetInt32()));
    }

    [Fact]
    public async Task A_pod_is_unknown_then_pending_with_its_reasons_then_bound_with_its_devices()
    {
        await using var service = await RunningService.StartAsync();
        var unknown = (await service.GetAsync("/v1/pods/team/pod-a")).Json;
        Assert.Equal(("team/pod-a", "unknown"), (Text(unknown, "pod"), Text(unknown, "state")));
        Assert.Equal(JsonValueKind.Null, unknown.GetProperty("lastDecision").ValueKind);

        await service.PostAsync("filter", Requests.Args(Requests.Pod("a", 8), "h100-01", "t4-01", "cpu-01"));
        var pending = (await service.GetAsync("/v1/pods/team/pod-a")).Json;
        Assert.Equal(("pending", "8 GPUs"), (Text(pending, "state"), Text(pending, "request")));
        Assert.Equal("1 node could take 8 GPUs, but now: not enough free GPUs; the other 2 never can.", Text(pending, "summary"));
        Assert.Equal(3, pending.GetProperty("reasons").GetArrayLength());
        Assert.Equal("filter", Text(pending.GetProperty("lastDecision"), "verb"));
        var since = pending.GetProperty("since").GetDateTimeOffset();
        await service.PostAsync("filter", Requests.Args(Requests.Pod("a", 8), "h100-01", "t4-01"));
        Assert.Equal(since, (await service.GetAsync("/v1/pods/team/pod-a")).Json.GetProperty("since").GetDateTimeOffset());
        Assert.Equal("team/pod-a", Text(Assert.Single((await service.GetAsync("/v1/pods")).Json.GetProperty("pods").EnumerateArray()), "pod"));

        await service.PostAsync("filter", Requests.Args(Requests.Pod("a", 8), "h100-03"));
        Assert.Equal("", (await service.PostAsync("bind", Requests.Binding("a", "h100-03"))).Error);
        var bound = (await service.GetAsync("/v1/pods/team/pod-a")).Json;
        Assert.Equal(("bound", "h100-03"), (Text(bound, "state"), Text(bound, "node")));
        Assert.Equal(Enumerable.Range(0, 8), bound.GetProperty("devices").EnumerateArray().Select(d => d.GetProperty("gpu").GetInt32()));
        Assert.Equal("It runs on h100-03 with GPU 0, GPU 1, GPU 2, GPU 3, GPU 4, GPU 5, GPU 6, GPU 7.", Text(bound, "summary"));
        Assert.Empty((await service.GetAsync("/v1/pods")).Json.GetProperty("pods").EnumerateArray());
        Assert.Equal(4, (await service.GetAsync("/v1/decisions?pod=team/pod-a")).Json.GetProperty("decisions").GetArrayLength());
        Assert.Equal(1, (await service.GetAsync("/v1/decisions?pod=team/pod-a&limit=1")).Json.GetProperty("decisions").GetArrayLength());
        Assert.Empty((await service.GetAsync("/v1/decisions?pod=team/pod-b")).Json.GetProperty("decisions").EnumerateArray());
    }

    [Theory]
    [InlineData("gpuscheduler.io/gpu-model", "B200", "None of the 7 nodes offered can ever take 1 x B200: GPU model is not among those asked for (6), node has no usable GPU (1).")]
    [InlineData("gpuscheduler.io/nvlink", "sometimes", "Its request cannot be understood: ")]
    [InlineData("gpuscheduler.io/min-gpu-memory", "500Gi", "None of the 7 nodes offered can ever take 1 GPU (at least 512000 MiB each): GPUs have less memory than asked for (6), node has no usable GPU (1).")]
    public async Task The_summary_is_the_smallest_true_statement(string annotation, string value, string expected)
    {
        await using var service = await RunningService.StartAsync();
        var pod = Requests.Pod("a", new Dictionary<string, string> { ["nvidia.com/gpu"] = "1" }, new Dictionary<string, string> { [annotation] = value });
        await service.PostAsync("filter", Requests.Args(pod, s_nodes));

        Assert.StartsWith(expected, Text((await service.GetAsync("/v1/pods/team/pod-a")).Json, "summary"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_that_has_passed_and_is_not_bound_says_when_and_what_is_held_for_it()
    {
        await using var service = await RunningService.StartAsync();
        await service.PostAsync("filter", Requests.Args(Requests.Pod("a", 8), "h100-03", "t4-01"));

        var pod = (await service.GetAsync("/v1/pods/team/pod-a")).Json;

        Assert.Equal("pending", Text(pod, "state"));
        Assert.Matches("^1 node of 2 would do at 20[-0-9]+T[0-9:]+Z; h100-03 with GPU 0, GPU 1, GPU 2, GPU 3, GPU 4, GPU 5, GPU 6, GPU 7 is held for it until 20[-0-9]+T[0-9:]+Z; kube-scheduler has not bound it yet.$", Text(pod, "summary"));
        Assert.Equal(("h100-03", 8), (Text(pod.GetProperty("tentative"), "node"), pod.GetProperty("tentative").GetProperty("devices").GetArrayLength()));
        Assert.Equal(JsonValueKind.Null, pod.GetProperty("node").ValueKind);
        Assert.Equal(pod.GetProperty("lastDecision").GetProperty("time").GetDateTimeOffset(), pod.GetProperty("since").GetDateTimeOffset());
        Assert.Empty((await service.GetAsync("/v1/pods")).Json.GetProperty("pods").EnumerateArray());
    }

    [Fact]
    public async Task A_pod_that_nobody_has_asked_about_says_since_when_and_whose_it_is()
    {
        await using var service = await RunningService.StartAsync();
        var cluster = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<Core.Cluster.ClusterState>(service.Services);
        foreach (var (name, spec) in new[] { ("a", "\"schedulerName\":\"other\""), ("b", "\"schedulingGates\":[{\"name\":\"kueue.x-k8s.io/admission\"}]") })
        {
            cluster.UpsertPod(Kubernetes.PodJsonReader.Read(Encoding.UTF8.GetBytes(
                $$"""{"metadata":{"name":"{{name}}","namespace":"team","uid":"{{name}}","creationTimestamp":"2026-01-05T10:20:30Z"},"spec":{{{spec}},"containers":[{"resources":{"limits":{"nvidia.com/gpu":"1"} } }] } }""")));
        }

        var (other, gated) = ((await service.GetAsync("/v1/pods/team/a")).Json, (await service.GetAsync("/v1/pods/team/b")).Json);

        Assert.Equal(("pending", "Its scheduler, other, has not asked about it since it was made at 2026-01-05T10:20:30Z."), (Text(other, "state"), Text(other, "summary")));
        Assert.Equal("Scheduling gates hold it back: kueue.x-k8s.io/admission.", Text(gated, "summary"));
        Assert.Equal(new DateTimeOffset(2026, 1, 5, 10, 20, 30, TimeSpan.Zero), gated.GetProperty("since").GetDateTimeOffset());
    }

    [Fact]
    public async Task A_refused_bind_says_so()
    {
        await using var service = await RunningService.StartAsync();
        await service.PostAsync("filter", Requests.Args(Requests.Pod("a", 8), "h100-03"));
        await service.PostAsync("bind", Requests.Binding("a", "h100-01"));

        var pod = (await service.GetAsync("/v1/pods/team/pod-a")).Json;

        Assert.Equal("pending", Text(pod, "state"));
        Assert.StartsWith("The bind to h100-01 was refused: ", Text(pod, "summary"), StringComparison.Ordinal);
        Assert.False(pod.GetProperty("lastDecision").GetProperty("ok").GetBoolean());
        Assert.Equal("h100-01", Text(pod.GetProperty("lastDecision"), "node"));
    }

    [Fact]
    public async Task A_gang_leaves_its_plan_in_words_and_its_members_say_what_it_waits_for()
    {
        await using var service = await RunningService.StartAsync();
        static string Member(string uid) => Requests.Pod(uid, new Dictionary<string, string> { ["nvidia.com/gpu"] = "2" }, new Dictionary<string, string> { ["gpuscheduler.io/gang-name"] = "job", ["gpuscheduler.io/gang-size"] = "2" });
        await service.PostAsync("filter", Requests.Args(Member("a"), s_nodes));
        var waiting = (await service.GetAsync("/v1/pods/team/pod-a")).Json;
        Assert.Equal("team/job", Text(waiting, "gang"));
        Assert.StartsWith("Its gang team/job has not got its places: ", Text(waiting, "summary"), StringComparison.Ordinal);

        var cluster = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<Core.Cluster.ClusterState>(service.Services);
        foreach (var uid in new[] { "a", "b" })
        {
            cluster.UpsertPod(Kubernetes.PodJsonReader.Read(Encoding.UTF8.GetBytes(Member(uid)), nameStandsForUid: true));
            if (uid == "a")
            {
                Assert.Equal("Its gang team/job waits: 1 of 2 members present.", Text((await service.GetAsync("/v1/pods/team/pod-a")).Json, "summary"));
            }
        }

        await service.PostAsync("filter", Requests.Args(Member("b"), s_nodes));
        var decisions = (await service.GetAsync("/v1/decisions?gang=team/job")).Json.GetProperty("decisions").EnumerateArray().ToArray();
        var plan = Assert.Single(decisions, d => Text(d, "verb") == "plan");
        Assert.StartsWith("2 members on ", Text(plan, "text"), StringComparison.Ordinal);
        Assert.Contains("optimal", Text(plan, "text"), StringComparison.Ordinal);
        Assert.Equal(3, decisions.Length);
    }

    [Theory]
    [InlineData("/v1/decisions?pod=train", "pod and gang are given as namespace/name")]
    [InlineData("/v1/decisions?gang=a/b/c", "pod and gang are given as namespace/name")]
    [InlineData("/v1/decisions?limit=0", "limit is \"0\": 1 to 10000 is allowed")]
    [InlineData("/v1/decisions?limit=-5", "limit is \"-5\": 1 to 10000 is allowed")]
    [InlineData("/v1/decisions?limit=99999999999999", "limit is \"99999999999999\": 1 to 10000 is allowed")]
    public async Task A_question_that_cannot_be_understood_gets_a_400_that_says_what_is_allowed(string path, string expected)
    {
        await using var service = await RunningService.StartAsync();
        var answer = await service.GetAsync(path);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains(expected, Text(answer.Json, "error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Decisions_are_followed_as_they_happen_and_from_a_number_on()
    {
        await using var service = await RunningService.StartAsync();
        await service.PostAsync("filter", Requests.Args(Requests.Pod("a", 1), s_nodes));
        await service.PostAsync("filter", Requests.Args(Requests.Pod("b", 1), s_nodes));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events") { Headers = { { "Last-Event-ID", "1" } } };
        using var answer = await service.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        using var events = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation));

        Assert.Equal(("2", "team/pod-b"), await NextAsync(events));
        await service.PostAsync("filter", Requests.Args(Requests.Pod("c", 1), s_nodes));
        Assert.Equal(("3", "team/pod-c"), await NextAsync(events));
    }

    [Fact]
    public async Task One_follower_too_many_is_turned_away_and_a_place_that_is_given_up_is_free()
    {
        await using var service = await RunningService.StartAsync(("Decisions:Listeners", "1"));
        var first = await service.Http.GetAsync(new Uri("/v1/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        var refused = await service.GetAsync("/v1/events");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
        Assert.Contains("Decisions:Listeners", Text(refused.Json, "error"), StringComparison.Ordinal);

        first.Dispose();
        for (var status = HttpStatusCode.ServiceUnavailable; status != HttpStatusCode.OK; await Task.Delay(20, Cancellation))
        {
            using var again = await service.Http.GetAsync(new Uri("/v1/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancellation);
            status = again.StatusCode;
        }
    }

    private static async Task<(string Id, string Pod)> NextAsync(StreamReader events)
    {
        var id = "";
        while (await events.ReadLineAsync(Cancellation) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                id = line[4..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                using var data = JsonDocument.Parse(line[6..]);
                return (id, Text(data.RootElement, "pod"));
            }
        }

        return ("", "");
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? "";
}
