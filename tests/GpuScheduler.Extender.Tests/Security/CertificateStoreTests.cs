using System.Security.Cryptography.X509Certificates;
using GpuScheduler.Extender.Security;
using GpuScheduler.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GpuScheduler.Extender.Tests.Security;

public sealed class CertificateStoreTests : IDisposable
{
    private readonly TestAuthority _authority = TestAuthority.Create("authority");
    private readonly TlsFiles _files = new();
    private readonly ManualTimeProvider _time = new();
    private readonly ExtenderOptions _options = new();
    private readonly X509Certificate2 _first;
    private readonly X509Certificate2 _second;

    public CertificateStoreTests()
    {
        _options.Tls = new ExtenderOptions.TlsSettings { Certificate = _files.Certificate, Key = _files.Key };
        _first = _authority.Issue("first", TestAuthority.ServerUsage);
        _second = _authority.Issue("second", TestAuthority.ServerUsage);
        _files.WriteServer(_first);
    }

    public void Dispose()
    {
        _files.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    [Fact]
    public void A_changed_certificate_is_used_for_new_connections_ten_seconds_later_at_the_latest()
    {
        var store = Store();
        Assert.Equal(_first.Thumbprint, Used(store));

        _files.WriteServer(_second);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(_first.Thumbprint, Used(store));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(_second.Thumbprint, Used(store));
    }

    [Fact]
    public void Unchanged_files_are_not_loaded_again()
    {
        var store = Store();
        var options = store.Current;

        _time.Advance(TimeSpan.FromMinutes(1));
        File.SetLastWriteTimeUtc(_files.Certificate, DateTime.UtcNow.AddMinutes(1));

        Assert.Same(options, store.Current);
    }

    [Fact]
    public void While_the_new_files_do_not_belong_together_the_old_certificate_stays()
    {
        var store = Store();
        Assert.Equal(_first.Thumbprint, Used(store));

        // The certificate is there, its key still to come.
        File.WriteAllText(_files.Certificate, _second.ExportCertificatePem());
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(_first.Thumbprint, Used(store));

        File.WriteAllText(_files.Key, _second.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(_second.Thumbprint, Used(store));
    }

    [Fact]
    public void While_a_file_is_missing_or_empty_the_old_certificate_stays()
    {
        var store = Store();
        _ = store.Current;

        File.Delete(_files.Key);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(_first.Thumbprint, Used(store));
        File.WriteAllText(_files.Key, "");
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(_first.Thumbprint, Used(store));

        _files.WriteServer(_second);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(_second.Thumbprint, Used(store));
    }

    [Fact]
    public void A_link_that_points_elsewhere_is_a_change()
    {
        // As the kubelet swaps a Secret: what the paths lead over changes, and no file of theirs.
        using var other = new TlsFiles();
        other.WriteServer(_second);
        using var linked = new TlsFiles();
        File.CreateSymbolicLink(linked.Certificate, _files.Certificate);
        File.CreateSymbolicLink(linked.Key, _files.Key);
        _options.Tls.Certificate = linked.Certificate;
        _options.Tls.Key = linked.Key;
        var store = Store();
        Assert.Equal(_first.Thumbprint, Used(store));

        File.Delete(linked.Certificate);
        File.Delete(linked.Key);
        File.CreateSymbolicLink(linked.Certificate, other.Certificate);
        File.CreateSymbolicLink(linked.Key, other.Key);
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(_second.Thumbprint, Used(store));
    }

    [Fact]
    public void Changed_client_authorities_are_loaded_too()
    {
        _files.WriteClientCa(_authority.Certificate);
        _options.Tls.ClientCa = _files.ClientCa;
        var store = Store();
        var other = TestAuthority.Create("other");
        using var client = other.Issue("client", TestAuthority.ClientUsage);
        bool Trusts() => store.Current.RemoteCertificateValidationCallback!(this, client, null, default);
        Assert.True(store.Current.ClientCertificateRequired);
        Assert.False(Trusts());

        _files.WriteClientCa(_authority.Certificate, other.Certificate);
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.True(Trusts());
    }

    private static string Used(CertificateStore store) => store.Current.ServerCertificateContext!.TargetCertificate.Thumbprint;

    private CertificateStore Store() => new(_options, _time, NullLogger<CertificateStore>.Instance);
}
