using System.Net;
using Xunit;

namespace GpuScheduler.Kubectl.Tests;

/// <summary>What each bad input gets, and which way requests take.</summary>
public sealed class ProgramTests : IAsyncLifetime
{
    private StandInCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await StandInCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory]
    [InlineData(2, "'bogus'", "bogus")]
    [InlineData(2, "Required argument 'POD|GANG' missing", "why")]
    [InlineData(2, "--filename", "what-if")]
    [InlineData(2, "'xml'", "nodes", "-o", "xml")]
    [InlineData(2, "-f /nowhere/job.yaml cannot be read", "what-if", "-f", "/nowhere/job.yaml")]
    [InlineData(2, "names nothing: NAME or NAMESPACE/NAME is allowed", "why", "pod:")]
    [InlineData(2, "\"..\" is no name", "topology", "..")]
    [InlineData(2, "--token goes with --server", "nodes", "--token", "x")]
    [InlineData(2, "--service nonsense is no Service", "nodes", "--service", "nonsense")]
    [InlineData(2, "--service a/b?x is no Service", "nodes", "--service", "a/b?x")]
    [InlineData(2, "--server ftp://x is no address", "nodes", "--server", "ftp://x")]
    [InlineData(2, "it must be one word", "nodes", "--server", "http://127.0.0.1:1", "--token", "a\nb")]
    [InlineData(2, "--ca /nowhere/ca.pem cannot be read", "nodes", "--server", "https://127.0.0.1:1", "--ca", "/nowhere/ca.pem")]
    [InlineData(2, "--cert and --key go together", "nodes", "--server", "https://127.0.0.1:1", "--cert", "x")]
    [InlineData(2, "--cert /nowhere/c and --key /nowhere/k cannot be used", "nodes", "--server", "https://127.0.0.1:1", "--cert", "/nowhere/c", "--key", "/nowhere/k")]
    [InlineData(2, "--server-name goes with --server", "nodes", "--server-name", "x")]
    [InlineData(1, "no answer from gpu-scheduler at http://127.0.0.1:1/", "nodes", "--server", "http://127.0.0.1:1")]
    [InlineData(1, "there is no pod and no gang ml/nobody", "why", "nobody")]
    [InlineData(1, "this gpu-scheduler does not know the question: it is older", "capacity-shortfall")]
    [InlineData(1, "install the node agent", "advise")]
    [InlineData(1, "this gpu-scheduler does not know the question: it is older", "forecast")]
    [InlineData(2, "'soon'", "forecast", "--hours", "soon")]
    public async Task Bad_input_gets_an_error_that_says_what_to_do(int code, string expected, params string[] args)
    {
        var (actual, output, error) = await _cluster.RunAsync(args);

        Assert.Equal((code, ""), (actual, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kubeconfig_that_is_not_there_is_said_to_be_missing()
    {
        var (code, _, error) = await StandInCluster.RunAloneAsync("nodes", "--kubeconfig", "/nowhere/config");

        Assert.Equal(2, code);
        Assert.Contains("/nowhere/config does not exist", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound, """{"kind":"Status","message":"services \"https:gpu-scheduler-extender:8443\" not found"}""", "name its Service with --service")]
    [InlineData(HttpStatusCode.ServiceUnavailable, """{"kind":"Status","message":"no endpoints available"}""", "see that its pod is ready")]
    [InlineData(HttpStatusCode.Forbidden, """{"kind":"Status","message":"no"}""", "services/proxy")]
    [InlineData(HttpStatusCode.Unauthorized, "", "give credentials that are accepted")]
    [InlineData(HttpStatusCode.OK, "<html>", "it is not gpu-scheduler")]
    [InlineData(HttpStatusCode.OK, "[]", "it is not gpu-scheduler")]
    [InlineData(HttpStatusCode.OK, """{"nodes":[{"name":"\ud800"}]}""", "it is not gpu-scheduler")]
    [InlineData(HttpStatusCode.OK, """{"nodes":[{"name":"a","name":"b"}]}""", "it is not gpu-scheduler")]
    [InlineData(HttpStatusCode.BadRequest, """{"error":"give each apiVersion and kind"}""", "error: give each apiVersion and kind")]
    [InlineData(HttpStatusCode.InternalServerError, "oh", "answered 500 (oh)")]
    public async Task An_answer_that_is_none_says_what_to_do(HttpStatusCode status, string body, string expected)
    {
        _cluster.Service("/v1/nodes", body, status);

        var (code, _, error) = await _cluster.RunAsync("nodes");

        Assert.Equal(1, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_kubeconfigs_token_goes_to_the_API_server_and_the_given_one_to_the_service()
    {
        _cluster.Service("/v1/nodes", "{}");

        Assert.Equal(0, (await _cluster.RunAsync("nodes")).Code);
        Assert.Equal("GET /api/v1/namespaces/gpu-scheduler/services/https:gpu-scheduler-extender:8443/proxy/v1/nodes Bearer secret", _cluster.Requests[^1]);
        Assert.Equal(0, (await _cluster.RunAsync("nodes", "--server", _cluster.Address)).Code);
        Assert.Equal("GET /v1/nodes Bearer secret", _cluster.Requests[^1]);
        Assert.Equal(0, (await StandInCluster.RunAloneAsync("nodes", "--server", _cluster.Address, "--token", "mine")).Code);
        Assert.Equal("GET /v1/nodes Bearer mine", _cluster.Requests[^1]);
        Assert.Equal(0, (await StandInCluster.RunAloneAsync("nodes", "--server", _cluster.Address)).Code);
        Assert.Equal("GET /v1/nodes ", _cluster.Requests[^1]);
    }

    [Fact]
    public async Task Names_are_escaped_in_paths()
    {
        _ = await _cluster.RunAsync("topology", "a/b?c#d");

        // As the server decodes it: what is after the mark would be a query otherwise.
        Assert.Contains("/v1/nodes/a%2Fb?c#d ", _cluster.Requests[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("why")]
    [InlineData("nodes")]
    [InlineData("topology")]
    [InlineData("gangs")]
    [InlineData("what-if")]
    [InlineData("drain-plan")]
    [InlineData("capacity-shortfall")]
    [InlineData("advise")]
    public async Task Every_command_has_help_with_an_example(string command)
    {
        var (code, output, _) = await StandInCluster.RunAloneAsync(command, "--help");

        Assert.Equal(0, code);
        Assert.Contains($"Example: kubectl gpu {command}", output, StringComparison.Ordinal);
    }
}
