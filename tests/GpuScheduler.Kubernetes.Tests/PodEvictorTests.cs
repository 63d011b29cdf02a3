using System.Text.Json.Nodes;
using GpuScheduler.Core.Requests;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class PodEvictorTests : ApiServerTests
{
    private const string Path = "/api/v1/namespaces/team/pods/train-0";

    private static readonly PodInfo s_pod = new() { Uid = "u-1", Namespace = "team", Name = "train-0", Request = GpuRequest.None };

    [Fact]
    public async Task The_pod_of_this_uid_is_deleted_and_no_other_of_its_name()
    {
        Server.On(Path, Status(200, "Success"));

        await EvictAsync();

        var request = await Server.RequestAsync(Path);
        Assert.Equal("DELETE", request.Method);
        Assert.Equal("u-1", (string?)JsonNode.Parse(request.Body)!["preconditions"]!["uid"]);
    }

    [Theory]
    [InlineData(404, "NotFound")]
    [InlineData(409, "Conflict")]
    public async Task One_that_is_gone_is_no_error(int code, string reason)
    {
        Server.On(Path, Status(code, reason));

        await EvictAsync();

        Assert.Equal("DELETE", (await Server.RequestAsync(Path)).Method);
    }

    [Fact]
    public async Task A_refusal_says_which_right_is_missing()
    {
        Server.On(Path, Status(403, "Forbidden"));

        var refusal = await Assert.ThrowsAsync<KubernetesApiException>(EvictAsync);

        Assert.Contains("delete", refusal.Message, StringComparison.Ordinal);
    }

    private Task EvictAsync() => new PodEvictor(Connection).EvictAsync(s_pod, TestContext.Current.CancellationToken);
}
