using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf.Collections;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Testing;
using GpuScheduler.V1;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

public sealed class GrpcTests(ExampleService overGrpc)
{
    private readonly SchedulerExtender.SchedulerExtenderClient _client = new(overGrpc.Service.Grpc);

    [Theory]
    [InlineData(false, 150)]
    [InlineData(true, 60)]
    public async Task What_gRPC_answers_is_what_HTTP_answers(bool answerOneNode, int pods)
    {
        // Two services with the same past: each pod takes the whole way through both, over one wire and over the other.
        await using var http = await RunningService.StartAsync(("Engine:AnswerOneNode", answerOneNode ? "true" : "false"));
        await using var grpc = await RunningService.StartAsync(("Engine:AnswerOneNode", answerOneNode ? "true" : "false"));
        var client = new SchedulerExtender.SchedulerExtenderClient(grpc.Grpc);
        var cluster = http.Services.GetRequiredService<ClusterState>();
        var random = new Random(11);
        var bound = 0;
        for (var i = 0; i < pods; i++)
        {
            var uid = $"grpc-{i}";
            var shape = PodShape.Random(random) with { Priority = random.Next(3) };
            var policy = random.Next(5) == 0 ? "Never" : null;
            var pod = Requests.Pod(uid, shape, policy);
            var message = Requests.Message(uid, shape, policy);
            var nodes = Repository.ExampleNodes.Append("nobody").Where(_ => random.Next(8) > 0).ToArray();
            random.Shuffle(nodes);

            var filtered = await http.PostAsync("filter", Requests.Args(pod, nodes));
            var response = await client.FilterAsync(new FilterRequest { Pod = message, NodeNames = { nodes } }, cancellationToken: TestContext.Current.CancellationToken);
            var passed = AnswerShape.Filter(filtered.Json);
            Assert.Equal(passed, response.NodeNames);
            Assert.Equal(Reasons(filtered, "FailedNodes"), Sorted(response.FailedNodes));
            Assert.Equal(Reasons(filtered, "FailedAndUnresolvableNodes"), Sorted(response.FailedAndUnresolvableNodes));
            Assert.Equal(filtered.Error, response.Error);

            var scores = AnswerShape.Prioritize((await http.PostAsync("prioritize", Requests.Args(pod, passed))).Json);
            var priorities = await client.PrioritizeAsync(new PrioritizeRequest { Pod = message, NodeNames = { passed } }, cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(scores, priorities.HostPriorities.Select(p => (p.Host, (int)p.Score)));

            var victims = nodes.Where(_ => random.Next(2) == 0).ToDictionary(
                n => n,
                n => (cluster.Current.Find(n)?.Allocations ?? []).Select(a => a.Pod.Uid).Where(_ => random.Next(3) == 0).ToArray());
            var kept = AnswerShape.Preempt((await http.PostAsync("preempt", Requests.Preemption(pod, victims))).Json);
            var preemption = new PreemptRequest { Pod = message };
            preemption.NodeNameToVictims.Add(victims.ToDictionary(v => v.Key, v => new Victims { PodUids = { v.Value } }));
            var preempted = await client.PreemptAsync(preemption, cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equivalent(kept, preempted.NodeNameToVictims.ToDictionary(v => v.Key, v => v.Value.PodUids.ToArray()), strict: true);

            // To the best node, to any node whether it will do or not, or not at all.
            var node = random.Next(4) switch
            {
                0 => nodes.FirstOrDefault("cpu-01"),
                1 => null,
                _ => scores.Where(s => s.Score == 10).Select(s => s.Host).FirstOrDefault(),
            };
            if (node is not null)
            {
                var answer = await http.PostAsync("bind", Requests.Binding(uid, node));
                var binding = await client.BindAsync(new BindRequest { PodUid = uid, PodName = "pod-" + uid, PodNamespace = "team", Node = node }, cancellationToken: TestContext.Current.CancellationToken);
                Assert.Equal(answer.Error, binding.Error);
                Assert.Equal(await DevicesAsync(http, node, uid), binding.AssignedDevices.Length > 0 ? binding.AssignedDevices : null);
                Assert.Equal(await DevicesAsync(http, node, uid), await DevicesAsync(grpc, node, uid));
                bound += answer.Error == "" ? 1 : 0;
            }
        }

        Assert.InRange(bound, pods / 10, pods);
    }

    [Fact]
    public async Task A_request_that_cannot_be_understood_is_an_answer_and_no_fault_of_the_call()
    {
        var pod = Requests.Message("invalid", new PodShape { Whole = 1 });
        pod.Annotations["gpuscheduler.io/nvlink"] = "yes";

        var filtered = await _client.FilterAsync(new FilterRequest { Pod = pod, NodeNames = { "h100-01" } }, cancellationToken: TestContext.Current.CancellationToken);
        var scored = await _client.PrioritizeAsync(new PrioritizeRequest { Pod = pod, NodeNames = { "h100-01" } }, cancellationToken: TestContext.Current.CancellationToken);
        var preempted = await _client.PreemptAsync(new PreemptRequest { Pod = pod, NodeNameToVictims = { ["h100-01"] = new Victims { PodUids = { "v" } } } }, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Contains("required, preferred or none is allowed", filtered.Error, StringComparison.Ordinal);
        pod.Annotations["gpuscheduler.io/nvlink"] = new string('x', 79) + "\ud83d\ude00";
        var cut = await _client.FilterAsync(new FilterRequest { Pod = pod, NodeNames = { "h100-01" } }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains("required, preferred or none is allowed", cut.Error, StringComparison.Ordinal);
        Assert.Empty(filtered.NodeNames);
        Assert.Equal(0, Assert.Single(scored.HostPriorities).Score);
        Assert.Empty(preempted.NodeNameToVictims);
    }

    [Fact]
    public async Task Resources_and_init_containers_count_as_in_the_Kubernetes_API()
    {
        // The limit stands in for the request; the init container needs more than the others together, and a sidecar adds to both.
        var pod = new Pod
        {
            Uid = "containers",
            Name = "containers",
            Containers = { new Container { Limits = { ["nvidia.com/gpu"] = "1" } }, new Container { Limits = { ["nvidia.com/gpu"] = "1" } } },
            InitContainers = { new Container { RestartPolicy = "Always", Requests = { ["nvidia.com/gpu"] = "1" } }, new Container { Limits = { ["nvidia.com/gpu"] = "7" } } },
        };
        string[] nodes = ["h100-01", "h100-02", "h100-03", "v100-02"];

        var filtered = await _client.FilterAsync(new FilterRequest { Pod = pod, NodeNames = { nodes } }, cancellationToken: TestContext.Current.CancellationToken);

        // Eight at a time: only the empty node has them.
        Assert.Equal(["h100-03"], filtered.NodeNames);
    }

    [Fact]
    public async Task What_is_missing_in_a_request_is_named_in_INVALID_ARGUMENT()
    {
        var token = TestContext.Current.CancellationToken;
        await RefusedAsync("pod is missing", () => _client.FilterAsync(new FilterRequest(), cancellationToken: token).ResponseAsync);
        await RefusedAsync("pod is missing", () => _client.PrioritizeAsync(new PrioritizeRequest(), cancellationToken: token).ResponseAsync);
        await RefusedAsync("pod is missing", () => _client.PreemptAsync(new PreemptRequest(), cancellationToken: token).ResponseAsync);
        await RefusedAsync("pod.uid must not be empty", () => _client.FilterAsync(new FilterRequest { Pod = new Pod { Name = "p" } }, cancellationToken: token).ResponseAsync);
        await RefusedAsync("pod.uid must not be empty", () => _client.PrioritizeAsync(new PrioritizeRequest { Pod = new Pod() }, cancellationToken: token).ResponseAsync);
        await RefusedAsync("pod.uid must not be empty", () => _client.PreemptAsync(new PreemptRequest { Pod = new Pod() }, cancellationToken: token).ResponseAsync);
        var complete = new BindRequest { PodName = "p", PodNamespace = "team", PodUid = "u", Node = "h100-01" };
        foreach (var (field, clear) in new (string, Action<BindRequest>)[]
        {
            ("pod_name", r => r.PodName = ""),
            ("pod_namespace", r => r.PodNamespace = ""),
            ("pod_uid", r => r.PodUid = ""),
            ("node", r => r.Node = ""),
        })
        {
            var request = complete.Clone();
            clear(request);
            await RefusedAsync($"{field} must not be empty", () => _client.BindAsync(request, cancellationToken: token).ResponseAsync);
        }
    }

    [Fact]
    public async Task Without_nodes_the_answers_are_empty()
    {
        var pod = Requests.Message("no-nodes", new PodShape { Whole = 1 });

        Assert.Equal(new FilterResponse(), await _client.FilterAsync(new FilterRequest { Pod = pod }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(new PrioritizeResponse(), await _client.PrioritizeAsync(new PrioritizeRequest { Pod = pod }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(new PreemptResponse(), await _client.PreemptAsync(new PreemptRequest { Pod = pod }, cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_standard_health_service_says_NOT_SERVING_until_all_is_ready_and_then_SERVING()
    {
        await using var service = await RunningService.StartAsync();
        var health = new global::Grpc.Health.V1.Health.HealthClient(service.Grpc);
        var seen = new List<HealthCheckResponse.Types.ServingStatus>();
        using var watch = health.Watch(new HealthCheckRequest { Service = "gpuscheduler.v1.SchedulerExtender" }, cancellationToken: TestContext.Current.CancellationToken);
        await foreach (var change in watch.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            seen.Add(change.Status);
            if (change.Status == HealthCheckResponse.Types.ServingStatus.Serving)
            {
                break;
            }
        }

        Assert.Contains(seen[0], new[] { HealthCheckResponse.Types.ServingStatus.NotServing, HealthCheckResponse.Types.ServingStatus.ServiceUnknown });
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/readyz")).Status);
        var checkedNow = await health.CheckAsync(new HealthCheckRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, checkedNow.Status);
        var unknown = await Assert.ThrowsAsync<RpcException>(() => health.CheckAsync(new HealthCheckRequest { Service = "no.such.Service" }, cancellationToken: TestContext.Current.CancellationToken).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task Reflection_lists_the_service_and_its_messages()
    {
        using var call = new ServerReflection.ServerReflectionClient(overGrpc.Service.Grpc).ServerReflectionInfo(cancellationToken: TestContext.Current.CancellationToken);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, TestContext.Current.CancellationToken);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        var names = call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name);
        Assert.Subset(names.ToHashSet(), new HashSet<string> { "gpuscheduler.v1.SchedulerExtender", "grpc.health.v1.Health" });

        await call.RequestStream.WriteAsync(new ServerReflectionRequest { FileContainingSymbol = "gpuscheduler.v1.BindResponse" }, TestContext.Current.CancellationToken);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Contains("assigned_devices", call.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto[0].ToStringUtf8(), StringComparison.Ordinal);
        await call.RequestStream.CompleteAsync();
    }

    [Theory]
    [InlineData("2.0")]
    [InlineData("1.1")]
    public async Task Without_TLS_one_port_speaks_both_versions_of_HTTP(string version)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(overGrpc.Service.Addresses[0], "/healthz"))
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using var answer = await overGrpc.Service.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, Version.Parse(version)), (answer.StatusCode, answer.Version));
    }

    [Fact]
    public async Task The_verbs_port_without_TLS_serves_gRPC_too()
    {
        using var channel = global::Grpc.Net.Client.GrpcChannel.ForAddress(overGrpc.Service.Addresses[0]);

        var filtered = await new SchedulerExtender.SchedulerExtenderClient(channel).FilterAsync(
            new FilterRequest { Pod = Requests.Message("same-port", new PodShape()), NodeNames = { "cpu-01" } }, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(["cpu-01"], filtered.NodeNames);
    }

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", true)]
    [InlineData("POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false)]
    public async Task However_slowly_a_client_begins_it_is_answered_in_the_version_that_it_speaks(string beginning, bool isHttp2)
    {
        using var caller = new TcpClient { NoDelay = true };
        await caller.ConnectAsync(IPAddress.Loopback, overGrpc.Service.Addresses[0].Port, TestContext.Current.CancellationToken);
        foreach (var b in Encoding.Latin1.GetBytes(beginning))
        {
            await caller.GetStream().WriteAsync(new[] { b }, TestContext.Current.CancellationToken);
        }

        var head = new byte[9];
        await caller.GetStream().ReadExactlyAsync(head, TestContext.Current.CancellationToken);

        // A SETTINGS frame is the first that a server of HTTP/2 sends.
        Assert.Equal(isHttp2 ? "4" : "HTTP/1.1 ", isHttp2 ? head[3].ToString(System.Globalization.CultureInfo.InvariantCulture) : Encoding.ASCII.GetString(head));
    }

    private static async Task RefusedAsync<T>(string detail, Func<Task<T>> call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((StatusCode.InvalidArgument, detail), (refused.StatusCode, refused.Status.Detail));
    }

    private static IEnumerable<(string, string)> Reasons(Answer answer, string property) =>
        answer.Json.GetProperty(property).EnumerateObject().Select(r => (r.Name, r.Value.GetString()!)).Order();

    private static IEnumerable<(string, string)> Sorted(MapField<string, string> reasons) => reasons.Select(r => (r.Key, r.Value)).Order();

    private static async Task<string?> DevicesAsync(RunningService service, string node, string uid)
    {
        var answer = await service.GetAsync("/v1/nodes/" + node);
        if (answer.Status != HttpStatusCode.OK)
        {
            return null;
        }

        foreach (var allocation in answer.Json.GetProperty("allocations").EnumerateArray().Where(a => a.GetProperty("uid").GetString() == uid && a.GetProperty("state").GetString() == "bound"))
        {
            var devices = allocation.GetProperty("devices").GetRawText();
            return devices == "[]" ? null : devices;
        }

        return null;
    }
}
