using GpuScheduler.Kubernetes.Leases;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests.Leases;

public sealed class LeaderLabelTests : ApiServerTests
{
    private const string Pods = "/api/v1/namespaces/gpu/pods";

    private readonly RecordingLogger<LeaderLabel> _log = new();

    [Fact]
    public async Task It_is_taken_from_the_one_before_and_set_here()
    {
        Server.On(Pods, Json("""{"items":[{"metadata":{"name":"old"}}]}""")).On(Pods + "/old", Json("{}")).On(Pods + "/me", Json("{}"));

        Assert.True(await MoveAsync());

        Assert.Equal("gpuscheduler.io/leader=true", (await Server.RequestAsync(Pods))["labelSelector"]);
        var taken = await Server.RequestAsync(Pods + "/old");
        Assert.Equal(("PATCH", """{"metadata":{"labels":{"gpuscheduler.io/leader":null}}}"""), (taken.Method, taken.Body));
        Assert.Equal("""{"metadata":{"labels":{"gpuscheduler.io/leader":"true"}}}""", (await Server.RequestAsync(Pods + "/me")).Body);
    }

    [Fact]
    public async Task Where_it_is_already_nothing_is_written()
    {
        Server.On(Pods, Json("""{"items":[{"metadata":{"name":"me"}}]}"""));
        Assert.True(await MoveAsync());
        Assert.Equal(0, Server.Unseen(Pods + "/me"));
    }

    [Fact]
    public async Task A_pod_that_is_gone_has_none_any_more()
    {
        Server.On(Pods, Json("""{"items":[{"metadata":{"name":"old"}}]}""")).On(Pods + "/old", Status(404, "NotFound")).On(Pods + "/me", Json("{}"));
        Assert.True(await MoveAsync());
    }

    [Fact]
    public async Task Who_may_not_label_pods_is_told_the_rule_that_lacks()
    {
        Server.On(Pods, Json("""{"items":[]}""")).On(Pods + "/me", Status(403, "Forbidden"));
        Assert.False(await MoveAsync());
        var entry = Assert.Single(_log.Entries);
        Assert.Equal(2055, entry.Id);
        Assert.Contains("resources: [\"pods\"], verbs: [patch]", entry.Text, StringComparison.Ordinal);
    }

    private Task<bool> MoveAsync() => new LeaderLabel(Connection, "gpu", "me", _log).TryMoveHereAsync(TestContext.Current.CancellationToken);
}
