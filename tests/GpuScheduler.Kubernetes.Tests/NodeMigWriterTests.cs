using System.Collections.Immutable;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Mig;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class NodeMigWriterTests : ApiServerTests
{
    private const string Path = "/api/v1/nodes/n1";

    [Fact]
    public async Task Labels_are_set_and_removed_in_one_patch_of_the_version_that_was_read()
    {
        Server.On(Path, Json(Node("a"))).On(Path, Json("{}"));

        Assert.Equal(MigWriteOutcome.Written, await WriteAsync("a"));
        Assert.Equal("GET", (await Server.RequestAsync(Path)).Method);
        var request = await Server.RequestAsync(Path);
        Assert.Equal("PATCH", request.Method);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(request.Body), JsonNode.Parse(
            """{"metadata":{"resourceVersion":"42","labels":{"gpuscheduler.io/mig-phase":null,"nvidia.com/mig.config":"b"}}}""")), request.Body);
    }

    [Theory]
    [InlineData("x")]
    [InlineData(null)]
    public async Task Another_configuration_than_expected_is_not_overwritten(string? config)
    {
        Server.On(Path, Json(Node(config)));

        Assert.Equal(MigWriteOutcome.Changed, await WriteAsync("a"));
        await Server.RequestAsync(Path);
        Assert.Equal(0, Server.Unseen(Path));
    }

    [Fact]
    public async Task No_configuration_is_expected_where_there_was_none_and_any_when_it_does_not_matter()
    {
        Server.On(Path, Json(Node(null))).On(Path, Json("{}"));
        Assert.Equal(MigWriteOutcome.Written, await WriteAsync(null));

        Server.On(Path, Json(Node("x"))).On(Path, Json("{}"));
        Assert.Equal(MigWriteOutcome.Written, await new NodeMigWriter(Connection).WriteAsync(Write(null) with { IsForAnyConfig = true }, Cancellation));
    }

    [Fact]
    public async Task A_node_that_changed_since_it_was_read_is_read_again()
    {
        Server.On(Path, Json(Node("a"))).On(Path, Status(409, "Conflict")).On(Path, Json(Node("a"))).On(Path, Json("{}"));
        Assert.Equal(MigWriteOutcome.Written, await WriteAsync("a"));

        // And what somebody else asked for in between wins.
        Server.On(Path, Json(Node("a"))).On(Path, Status(409, "Conflict")).On(Path, Json(Node("x")));
        Assert.Equal(MigWriteOutcome.Changed, await WriteAsync("a"));
    }

    [Fact]
    public async Task A_node_that_is_gone_is_no_fault_and_a_missing_right_is_said()
    {
        Server.On(Path, Status(404, "NotFound"));
        Assert.Equal(MigWriteOutcome.Gone, await WriteAsync("a"));

        Server.On(Path, Json(Node("a"))).On(Path, Status(403, "Forbidden"));
        var message = (await Assert.ThrowsAsync<KubernetesApiException>(() => WriteAsync("a"))).Message;
        Assert.Contains("gpu-scheduler-extender-mig", message, StringComparison.Ordinal);
        Assert.Contains("resources: [\"nodes\"], verbs: [patch]", message, StringComparison.Ordinal);

        Server.On(Path, Json("[1]"));
        Assert.Contains("cannot be read", (await Assert.ThrowsAsync<KubernetesApiException>(() => WriteAsync("a"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_event_of_a_node_is_where_kubectl_describe_looks_for_it()
    {
        const string Events = "/apis/events.k8s.io/v1/namespaces/kube-system/events";
        Server.On(Events, Json("{}", 201));
        await new NodeAnnouncer(Connection).SayAsync(new MigNotice("n1", MigNoticeKind.Failed, "MIG layout b: it failed"), Cancellation);

        var body = JsonNode.Parse((await Server.RequestAsync(Events)).Body)!;
        Assert.Equal("MigLayoutFailed", (string?)body["reason"]);
        Assert.Equal("Warning", (string?)body["type"]);
        Assert.True(JsonNode.DeepEquals(body["regarding"], JsonNode.Parse("""{"apiVersion":"v1","kind":"Node","name":"n1","uid":"n1"}""")));
    }

    [Fact]
    public void A_pending_pod_with_a_MIG_device_says_what_else_it_asks_of_nodes_and_one_without_need_not()
    {
        static Core.Requests.NodeDemands? Demands(string resource, string node) => PodJsonReader.Read(System.Text.Encoding.UTF8.GetBytes(
            $$$$"""{"metadata":{"name":"a","uid":"u"},"spec":{ {{{{node}}}} "nodeSelector":{"nvidia.com/gpu.product":"A"},"containers":[{"resources":{"limits":{"{{{{resource}}}}":"1"}}}]}}""")).Demands;

        Assert.NotNull(Demands("nvidia.com/mig-1g.10gb", ""));
        Assert.Null(Demands("nvidia.com/gpu", ""));
        Assert.Null(Demands("nvidia.com/mig-1g.10gb", "\"nodeName\":\"n\","));
    }

    private static MigWrite Write(string? expected) => new("n1", expected, ImmutableSortedDictionary<string, string?>.Empty.Add(MigLabels.Config, "b").Add(MigLabels.Phase, null));

    private static string Node(string? config) =>
        $$$"""{"metadata":{"name":"n1","resourceVersion":"42","labels":{{{(config is null ? "{}" : $"{{\"nvidia.com/mig.config\":\"{config}\"}}")}}} }}""";

    private Task<MigWriteOutcome> WriteAsync(string? expected) => new NodeMigWriter(Connection).WriteAsync(Write(expected), Cancellation);
}
