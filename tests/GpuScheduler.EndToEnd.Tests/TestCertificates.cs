using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>An authority with a server and a client certificate, as PEM files in a temporary folder.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly string _folder;

    private TestCertificates(string folder) => _folder = folder;

    public string Authority => Path.Combine(_folder, "ca.crt");

    public string ServerCertificate => Path.Combine(_folder, "server.crt");

    public string ServerKey => Path.Combine(_folder, "server.key");

    public string ClientCertificate => Path.Combine(_folder, "client.crt");

    public string ClientKey => Path.Combine(_folder, "client.key");

    public static TestCertificates Create()
    {
        var result = new TestCertificates(Directory.CreateTempSubdirectory("gpu-scheduler-certs-").FullName);
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gpu-scheduler test authority", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(result.Authority, authority.ExportCertificatePem());
        Issue(authority, "CN=localhost", "1.3.6.1.5.5.7.3.1", result.ServerCertificate, result.ServerKey);
        Issue(authority, "CN=kube-scheduler", "1.3.6.1.5.5.7.3.2", result.ClientCertificate, result.ClientKey);
        return result;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Issue(X509Certificate2 authority, string subject, string usage, string certificateFile, string keyFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("gpu-scheduler-extender.gpu-scheduler.svc");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
    }
}
