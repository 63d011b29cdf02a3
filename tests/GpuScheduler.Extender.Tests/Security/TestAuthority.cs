using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace GpuScheduler.Extender.Tests.Security;

/// <summary>An authority and what it issues.</summary>
internal sealed class TestAuthority
{
    public const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    public const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _issuer;

    private TestAuthority(X509Certificate2 certificate) => _issuer = certificate;

    /// <summary>The authority's own certificate, without its key.</summary>
    public X509Certificate2 Certificate => X509CertificateLoader.LoadCertificate(_issuer.RawData);

    public static TestAuthority Create(string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new TestAuthority(AuthorityRequest(name, key).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(10)));
    }

    /// <summary>An authority below this one.</summary>
    public TestAuthority Subordinate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = AuthorityRequest(name, key).Create(_issuer, DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(9), RandomNumberGenerator.GetBytes(8));
        return new TestAuthority(certificate.CopyWithPrivateKey(key));
    }

    /// <summary>A certificate for localhost with its key.</summary>
    public X509Certificate2 Issue(string name, string? usage, int days = 5)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        }

        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_issuer, DateTimeOffset.UtcNow.AddDays(-8), DateTimeOffset.UtcNow.AddDays(days), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    private static CertificateRequest AuthorityRequest(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request;
    }
}
