using System.Text.Json.Nodes;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class AggregationTests : ApiServerTests
{
    private const string ConfigMap = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    private const string Review = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

    [Fact]
    public async Task The_front_proxy_is_known_by_what_the_APIServer_publishes()
    {
        Server.On(ConfigMap, Json("""
            {"data":{"requestheader-client-ca-file":"PEM","requestheader-allowed-names":"[\"front-proxy-client\",\"aggregator\"]",
             "requestheader-username-headers":"[\"X-Remote-User\"]","requestheader-group-headers":"null"} }
            """));

        var trust = await new Aggregation.Aggregation(Connection).ReadTrustAsync(Cancellation);

        Assert.Equal("PEM", trust.Authorities);
        Assert.Equal(["front-proxy-client", "aggregator"], trust.AllowedNames);
        Assert.Equal(["X-Remote-User"], trust.UserHeaders);
        Assert.Empty(trust.GroupHeaders);
    }

    [Theory]
    [InlineData("""{"data":{}}""", "without --requestheader-client-ca-file")]
    [InlineData("""{}""", "without --requestheader-client-ca-file")]
    [InlineData("""{"data":{"requestheader-client-ca-file":"PEM","requestheader-allowed-names":"["}}""", "cannot be understood")]
    [InlineData("""{"data":{"requestheader-client-ca-file":7}}""", "cannot be understood")]
    [InlineData("""[""", "cannot be understood")]
    public async Task What_cannot_be_used_is_said(string body, string says)
    {
        Server.On(ConfigMap, Json(body));
        var e = await Assert.ThrowsAsync<KubernetesApiException>(() => new Aggregation.Aggregation(Connection).ReadTrustAsync(Cancellation));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_right_is_named()
    {
        Server.On(ConfigMap, Status(403, "Forbidden"));
        var e = await Assert.ThrowsAsync<KubernetesApiException>(() => new Aggregation.Aggregation(Connection).ReadTrustAsync(Cancellation));
        Assert.Contains("extension-apiserver-authentication-reader", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"status":{"allowed":true}}""", true)]
    [InlineData("""{"status":{"allowed":false}}""", false)]
    [InlineData("""{"status":{}}""", false)]
    [InlineData("""{}""", false)]
    public async Task Who_may_list_is_asked_with_user_groups_and_resource(string body, bool allowed)
    {
        Server.On(Review, Json(body, 201));

        Assert.Equal(allowed, await new Aggregation.Aggregation(Connection).MayListAsync("eve", ["team", "system:authenticated"], "external.metrics.k8s.io", "default", "gpus", Cancellation));

        var spec = JsonNode.Parse((await Server.RequestAsync(Review)).Body)!["spec"]!;
        Assert.Equal("eve", (string?)spec["user"]);
        Assert.Equal(["team", "system:authenticated"], spec["groups"]!.AsArray().Select(g => (string?)g));
        Assert.Equal(
            """{"group":"external.metrics.k8s.io","version":"v1beta1","namespace":"default","resource":"gpus","verb":"list"}""",
            spec["resourceAttributes"]!.ToJsonString());
    }

    [Fact]
    public async Task An_answer_that_is_none_is_no_yes()
    {
        Server.On(Review, Json("""{"status":{"allowed":"yes"}}""", 201));
        await Assert.ThrowsAsync<KubernetesApiException>(() => new Aggregation.Aggregation(Connection).MayListAsync("eve", [], "g", "n", "r", Cancellation));
    }
}
