using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class KubernetesConnectionTests
{
    private static readonly RbacRule s_rule = new("", "things", "get");

    [Fact]
    public void A_kubeconfig_that_does_not_exist_is_named() =>
        Assert.Contains("kubeconfig /no/such/file does not exist", Fault("/no/such/file").Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("just words")]
    [InlineData("apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n")]
    [InlineData("kind: [")]
    public void A_kubeconfig_that_cannot_be_used_is_named(string text)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);
            Assert.Contains(path, Fault(path).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_kubeconfig_says_where_the_server_is()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, """
                apiVersion: v1
                kind: Config
                current-context: c
                clusters: [{name: k, cluster: {server: "http://localhost:8001/below"}}]
                users: [{name: u, user: {token: secret}}]
                contexts: [{name: c, context: {cluster: k, user: u}}]
                """);
            using var connection = KubernetesConnection.Create(new KubernetesConnectionOptions { Kubeconfig = path });
            Assert.Equal("http://localhost:8001/below/", connection.Server.ToString());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task A_refusal_that_is_no_Status_object_is_quoted()
    {
        await using var server = await StartAsync();
        using var connection = server.Connect();
        server.On("/x", Json("<html>no such page</html>", 502));

        var fault = await Assert.ThrowsAsync<KubernetesApiException>(() => connection.CallAsync(HttpMethod.Get, "x", null, s_rule, TestContext.Current.CancellationToken));
        Assert.Equal("the API server answered 502: <html>no such page</html>", fault.Message);
    }

    [Fact]
    public async Task Credentials_that_are_not_accepted_are_told_from_rights_that_are_missing()
    {
        await using var server = await StartAsync();
        using var connection = server.Connect();
        server.On("/x", Status(401, "Unauthorized"));

        var fault = await Assert.ThrowsAsync<KubernetesApiException>(() => connection.CallAsync(HttpMethod.Get, "x", null, s_rule, TestContext.Current.CancellationToken));
        Assert.Contains("renew the token or client certificate", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_takes_too_long_says_how_long_it_was_given()
    {
        await using var server = await StartAsync();
        using var connection = server.Connect(callTimeout: TimeSpan.FromMilliseconds(50));

        var fault = await Assert.ThrowsAsync<KubernetesApiException>(() => connection.CallAsync(HttpMethod.Get, "x", null, s_rule, TestContext.Current.CancellationToken));
        Assert.Contains("within 0.05 s", fault.Message, StringComparison.Ordinal);
    }

    private static KubernetesConfigurationException Fault(string path) =>
        Assert.Throws<KubernetesConfigurationException>(() => KubernetesConnection.Create(new KubernetesConnectionOptions { Kubeconfig = path }));
}
