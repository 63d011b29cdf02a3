using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace GpuScheduler.Kubectl.Tests;

/// <summary>Behind a port-forward the address is not the name that the certificate bears.</summary>
public sealed class ServerNameTests : IAsyncLifetime
{
    private const string Name = "gpu-scheduler-extender.gpu-scheduler.svc";

    private readonly string _ca = Path.GetTempFileName();
    private WebApplication _app = null!;

    private string Address => _app.Urls.First();

    public async ValueTask InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Name);
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(_ca, certificate.ExportCertificatePem());
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        _app = builder.Build();
        _app.Run(context => context.Response.WriteAsync("""{"nodes":[]}"""));
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        File.Delete(_ca);
    }

    [Fact]
    public async Task The_certificate_is_checked_against_the_name_that_is_given()
    {
        var (code, _, error) = await StandInCluster.RunAloneAsync("nodes", "--server", Address, "--ca", _ca, "--server-name", Name);

        Assert.Equal("", error);
        Assert.Equal(0, code);
    }

    [Theory]
    [InlineData()]
    [InlineData("--server-name", "another.gpu-scheduler.svc")]
    public async Task A_certificate_of_another_name_is_refused(params string[] more)
    {
        var (code, _, error) = await StandInCluster.RunAloneAsync(["nodes", "--server", Address, "--ca", _ca, .. more]);

        Assert.Equal(1, code);
        Assert.Contains("RemoteCertificateNameMismatch", error, StringComparison.Ordinal);
    }
}
