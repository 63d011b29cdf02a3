using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using GpuScheduler.V1;
using Grpc.Net.Client;
using Xunit;

namespace GpuScheduler.Extender.Tests.Security;

/// <summary>One service with TLS that wants client certificates, as the shipped manifests set it up.</summary>
public sealed class TlsTests(TlsTests.SecuredService secured) : IClassFixture<TlsTests.SecuredService>
{
    private readonly Uri _address = secured.Service.Addresses[0];

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_client_with_a_certificate_of_the_authority_is_served_over_both_versions_of_HTTP(string version)
    {
        using var client = Client(secured.Authority.Issue("kube-scheduler", TestAuthority.ClientUsage));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_address, "/filter"))
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent(Requests.Args(Requests.Pod("tls", 0), "cpu-01")),
        };

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, Version.Parse(version)), (answer.StatusCode, answer.Version));
        Assert.Contains("\"NodeNames\":[\"cpu-01\"]", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GRPC_is_served_on_the_same_port()
    {
        using var client = Client(secured.Authority.Issue("a client", TestAuthority.ClientUsage));
        using var channel = GrpcChannel.ForAddress(_address, new GrpcChannelOptions { HttpClient = client });

        var filtered = await new SchedulerExtender.SchedulerExtenderClient(channel).FilterAsync(
            new FilterRequest { Pod = Requests.Message("tls", new()), NodeNames = { "cpu-01" } }, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(["cpu-01"], filtered.NodeNames);
    }

    [Fact]
    public async Task A_certificate_without_a_stated_usage_is_good_for_a_client()
    {
        using var client = Client(secured.Authority.Issue("any use", null));

        Assert.Equal("ok\n", await client.GetStringAsync(new Uri(_address, "/healthz"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_certificate_of_a_subordinate_authority_is_good_when_the_client_sends_the_chain()
    {
        var subordinate = secured.Authority.Subordinate("team authority");
        using var leaf = subordinate.Issue("kube-scheduler", TestAuthority.ClientUsage);
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, server, _, _) => server?.Subject == "CN=localhost";
        handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(leaf, [subordinate.Certificate], offline: true);
        using var client = new HttpClient(handler);

        Assert.Equal("ok\n", await client.GetStringAsync(new Uri(_address, "/healthz"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Without_a_client_certificate_nobody_gets_in() => await RefusedAsync(null);

    [Fact]
    public async Task A_client_certificate_of_another_authority_is_refused() =>
        await RefusedAsync(TestAuthority.Create("gpu-scheduler test authority").Issue("kube-scheduler", TestAuthority.ClientUsage));

    [Fact]
    public async Task A_certificate_for_servers_is_refused_from_a_client() =>
        await RefusedAsync(secured.Authority.Issue("localhost", TestAuthority.ServerUsage));

    [Fact]
    public async Task An_expired_client_certificate_is_refused() =>
        await RefusedAsync(secured.Authority.Issue("kube-scheduler", TestAuthority.ClientUsage, days: -1));

    [Fact]
    public async Task The_health_port_wants_no_certificate()
    {
        Assert.Equal("200 ok\n", (await secured.Service.GetAsync("/healthz", secured.Service.Addresses[1])).ToString());
        Assert.Equal(HttpStatusCode.NotFound, (await secured.Service.GetAsync("/v1/nodes", secured.Service.Addresses[1])).Status);
    }

    [Fact]
    public async Task The_server_sends_its_whole_chain()
    {
        var seen = new List<string>();
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => secured.ClientCertificate;
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
        {
            seen.Add(certificate!.Subject);
            seen.AddRange(chain!.ChainPolicy.ExtraStore.Select(c => c.Subject));
            return true;
        };
        using var client = new HttpClient(handler);

        await client.GetStringAsync(new Uri(_address, "/healthz"), TestContext.Current.CancellationToken);

        Assert.Equal("CN=localhost", seen[0]);
        Assert.Contains("CN=server authority", seen);
    }

    [Fact]
    public async Task Plain_HTTP_on_the_TLS_port_gets_no_answer()
    {
        using var client = new HttpClient();

        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new UriBuilder(_address) { Scheme = "http", Path = "/healthz" }.Uri, TestContext.Current.CancellationToken));
    }

    private static HttpClient Client(X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, server, _, _) => server?.Subject == "CN=localhost";
        if (certificate is not null)
        {
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        }

        return new HttpClient(handler);
    }

    private async Task RefusedAsync(X509Certificate2? certificate)
    {
        foreach (var version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using var client = Client(certificate);
            client.DefaultRequestVersion = version;
            client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetStringAsync(new Uri(_address, "/healthz"), TestContext.Current.CancellationToken));
        }

        // The refusal was of this connection alone.
        using var good = Client(secured.ClientCertificate);
        Assert.Equal("ok\n", await good.GetStringAsync(new Uri(_address, "/healthz"), TestContext.Current.CancellationToken));
    }

    public sealed class SecuredService : IAsyncLifetime
    {
        private readonly TlsFiles _files = new();

        internal TestAuthority Authority { get; } = TestAuthority.Create("gpu-scheduler test authority");

        internal X509Certificate2 ClientCertificate { get; private set; } = null!;

        public RunningService Service { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            ClientCertificate = Authority.Issue("kube-scheduler", TestAuthority.ClientUsage);
            var issuer = TestAuthority.Create("server root").Subordinate("server authority");
            _files.WriteServer(issuer.Issue("localhost", TestAuthority.ServerUsage), issuer.Certificate);
            _files.WriteClientCa(TestAuthority.Create("unused").Certificate, Authority.Certificate);
            Service = await RunningService.StartAsync(
                ("Urls", "https://127.0.0.1:0"),
                ("HealthUrls", "http://127.0.0.1:0"),
                ("Tls:Certificate", _files.Certificate),
                ("Tls:Key", _files.Key),
                ("Tls:ClientCa", _files.ClientCa));
        }

        public async ValueTask DisposeAsync()
        {
            await Service.DisposeAsync();
            ClientCertificate.Dispose();
            _files.Dispose();
        }
    }
}
