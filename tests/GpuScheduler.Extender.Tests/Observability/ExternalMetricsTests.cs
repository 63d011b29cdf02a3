using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.ExternalMetrics;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Extender.Security;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Aggregation;
using GpuScheduler.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GpuScheduler.Extender.Tests.Observability;

public sealed class ExternalMetricsTests : IDisposable
{
    private const string Root = "/apis/external.metrics.k8s.io/v1beta1";

    private readonly StandInAggregation _aggregation = new();
    private readonly Readiness _readiness = new();
    private readonly FrontProxy _proxy;
    private readonly ExternalMetricsApi _api;

    public ExternalMetricsTests()
    {
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        cluster.UpsertPod(new PodBuilder("p").Share(milli: 1500 / 2, count: 2).Build());
        _readiness.SetSynced(true);
        _proxy = new FrontProxy(_aggregation, new CertificateStore(new ExtenderOptions(), TimeProvider.System, NullLogger<CertificateStore>.Instance), TimeProvider.System, NullLogger<FrontProxy>.Instance);
        _api = new ExternalMetricsApi(_proxy, [new QueueMetrics(cluster, new GangWaits(), TimeProvider.System)], _readiness, TimeProvider.System, NullLogger<ExternalMetricsApi>.Instance);
    }

    public void Dispose() => _proxy.Dispose();

    [Theory]
    [InlineData("a=b", "a=b", true)]
    [InlineData("a == b", "a=b", true)]
    [InlineData("a=c", "a=b", false)]
    [InlineData("a!=c", "a=b", true)]
    [InlineData("a!=c", "", true)]
    [InlineData("a in (c, b),d", "a=b;d=", true)]
    [InlineData("a in (c, b),d", "a=b", false)]
    [InlineData("a notin (c,b)", "a=b", false)]
    [InlineData("a notin (c)", "", true)]
    [InlineData("!a", "a=b", false)]
    [InlineData("!a", "", true)]
    [InlineData("", "a=b", true)]
    [InlineData("example.com/a-b=x_y.z", "example.com/a-b=x_y.z", true)]
    public void Selectors_select_as_those_of_Kubernetes_do(string text, string labels, bool matches)
    {
        Assert.True(LabelSelector.TryParse(text, out var selector, out var why), why);
        Assert.Equal(matches, selector.Matches(labels.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=')).ToDictionary(l => l[0], l => l[1])));
    }

    [Theory]
    [InlineData("a===b")]
    [InlineData("a in b")]
    [InlineData("!a=b")]
    [InlineData("=b")]
    [InlineData("a,,b")]
    [InlineData("a in (b")]
    public void A_selector_that_is_none_is_refused_with_what_is_allowed(string text)
    {
        Assert.False(LabelSelector.TryParse(text, out _, out var why));
        Assert.Contains("key in (a,b)", why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Root, "eve", 200, "gpu_scheduler_waiting_gangs")]
    [InlineData("/apis/external.metrics.k8s.io", "eve", 200, "\"preferredVersion\"")]
    [InlineData(Root, "", 401, "does not say for whom")]
    [InlineData(Root + "/namespaces/default/gpu_scheduler_waiting_gpus", "alice", 200, "\"value\":\"1500m\"")]
    [InlineData(Root + "/namespaces/other/gpu_scheduler_waiting_gangs", "alice", 200, "\"state\":\"unplaced\"")]
    [InlineData(Root + "/namespaces/default/gpu_scheduler_gang_wait_seconds", "alice", 200, "\"value\":\"0\"")]
    [InlineData(Root + "/namespaces/default/gpu_scheduler_waiting_gpus?labelSelector=a===b", "alice", 400, "is allowed")]
    [InlineData(Root + "/namespaces/default/nothing", "alice", 404, "there are gpu_scheduler_pending_pods")]
    [InlineData(Root + "/namespaces/default/gpu_scheduler_waiting_gpus", "eve", 403, "cannot list resource")]
    [InlineData(Root + "/namespaces/default/gpu_scheduler_waiting_gpus", "broken", 503, "could not be asked")]
    [InlineData("/openapi/v2", "alice", 404, "METRIC")]
    public async Task Each_caller_gets_what_it_may_see_and_else_why_not(string path, string user, int code, string says)
    {
        await _proxy.RefreshAsync(TestContext.Current.CancellationToken);
        var (status, text) = await AskAsync(path, user);
        Assert.Equal(code, status);
        Assert.Contains(says, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Masters_are_not_asked_about_and_an_answer_is_remembered()
    {
        await _proxy.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Equal(200, (await AskAsync($"{Root}/namespaces/default/gpu_scheduler_waiting_gpus", "eve", "system:masters")).Code);
        Assert.Equal(0, _aggregation.Asked);
        await AskAsync($"{Root}/namespaces/default/gpu_scheduler_waiting_gpus", "alice");
        await AskAsync($"{Root}/namespaces/default/gpu_scheduler_waiting_gpus", "alice");
        Assert.Equal(1, _aggregation.Asked);
        await AskAsync($"{Root}/namespaces/other/gpu_scheduler_waiting_gpus", "alice");
        Assert.Equal(2, _aggregation.Asked);
    }

    [Fact]
    public async Task Before_the_cluster_is_read_no_value_is_told()
    {
        await _proxy.RefreshAsync(TestContext.Current.CancellationToken);
        _readiness.SetSynced(false);
        Assert.Equal(503, (await AskAsync($"{Root}/namespaces/default/gpu_scheduler_waiting_gpus", "alice")).Code);
    }

    [Fact]
    public async Task The_aggregator_is_known_by_its_authority_and_its_name_alone()
    {
        Assert.False(_proxy.IsAggregator(_aggregation.Client, null)); // nothing is known yet
        await _proxy.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.True(_proxy.IsAggregator(_aggregation.Client, null));
        Assert.False(_proxy.IsAggregator(_aggregation.OtherName, null));
        Assert.False(_proxy.IsAggregator(new StandInAggregation().Client, null));
    }

    [Theory]
    [InlineData("http://127.0.0.1:1", "only https:// is allowed here")]
    [InlineData("https://127.0.0.1:1/x", "a path is not allowed")]
    [InlineData("https://127.0.0.1:1", "https:// in ExternalMetrics:Urls needs it")]
    public void Settings_that_cannot_work_are_refused(string urls, string says)
    {
        var options = new ExtenderOptions { ExternalMetrics = { Urls = urls } };
        Assert.Contains(ExtenderOptionsValidator.Validate(options), e => e.Contains(says, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("collector:4317", "grpc", 1, "", "Otlp:Endpoint is \"collector:4317\"")]
    [InlineData("http://c:4317", "thrift", 1, "", "grpc or http/protobuf is allowed")]
    [InlineData("http://c:4317", "grpc", 2, "", "0 to 1 is allowed")]
    [InlineData("http://c:4317", "grpc", 1, "secret", "name=value,name=value")]
    public void Settings_of_traces_that_cannot_work_are_refused(string endpoint, string protocol, double ratio, string headers, string says)
    {
        var options = new ExtenderOptions { Otlp = { Endpoint = endpoint, Protocol = protocol, SampleRatio = ratio, Headers = headers } };
        var errors = ExtenderOptionsValidator.Validate(options);
        Assert.Contains(errors, e => e.Contains(says, StringComparison.Ordinal));
        Assert.DoesNotContain(errors, e => e.Contains("secret", StringComparison.Ordinal));
    }

    private async Task<(int Code, string Text)> AskAsync(string path, string user, params string[] groups)
    {
        var context = new DefaultHttpContext();
        var parts = path.Split('?');
        context.Request.Method = "GET";
        context.Request.Path = parts[0];
        context.Request.QueryString = new QueryString(parts.Length > 1 ? "?" + parts[1] : "");
        context.Request.Headers["X-Remote-User"] = user;
        context.Request.Headers["X-Remote-Group"] = groups;
        using var body = new MemoryStream();
        context.Response.Body = body;
        await _api.ServeAsync(context);
        await context.Response.BodyWriter.FlushAsync(TestContext.Current.CancellationToken);
        return (context.Response.StatusCode, System.Text.Encoding.UTF8.GetString(body.ToArray()));
    }

    /// <summary>Alice may read, eve may not, and about others the API server does not answer.</summary>
    private sealed class StandInAggregation : IAggregation
    {
        private readonly string _authority;

        public StandInAggregation()
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=front proxy authority", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            using var authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
            _authority = authority.ExportCertificatePem();
            Client = Issue(authority, "CN=front-proxy-client");
            OtherName = Issue(authority, "CN=somebody");
        }

        public X509Certificate2 Client { get; }

        public X509Certificate2 OtherName { get; }

        public int Asked { get; private set; }

        public Task<FrontProxyTrust> ReadTrustAsync(CancellationToken cancellationToken) =>
            Task.FromResult(new FrontProxyTrust(_authority, ["front-proxy-client"], ["X-Remote-User"], ["X-Remote-Group"]));

        public Task<bool> MayListAsync(string user, IReadOnlyCollection<string> groups, string apiGroup, string podNamespace, string resource, CancellationToken cancellationToken)
        {
            Asked++;
            return user == "broken" ? throw new KubernetesApiException("no answer", HttpStatusCode.GatewayTimeout) : Task.FromResult(user == "alice");
        }

        private static X509Certificate2 Issue(X509Certificate2 authority, string subject)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
            return request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(8));
        }
    }
}
