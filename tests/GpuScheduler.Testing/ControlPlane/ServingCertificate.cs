using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace GpuScheduler.Testing.ControlPlane;

/// <summary>
/// A key pair for the loopback address, with a certificate that signs itself: the servers show it, and their
/// clients trust it alone, so that the tests verify TLS as an installation does.
/// </summary>
internal sealed class ServingCertificate : IDisposable
{
    private readonly X509Certificate2 _certificate;

    private ServingCertificate(X509Certificate2 certificate, string certificatePath, string keyPath)
    {
        _certificate = certificate;
        CertificatePath = certificatePath;
        KeyPath = keyPath;
    }

    /// <summary>PEM file of the certificate.</summary>
    public string CertificatePath { get; }

    /// <summary>PEM file of the private key (PKCS#1); the API server signs service account tokens with it, too.</summary>
    public string KeyPath { get; }

    /// <summary>The certificate without its key.</summary>
    public string CertificatePem => _certificate.ExportCertificatePem();

    /// <summary>Makes the pair and writes it into the folder.</summary>
    public static ServingCertificate Create(string folder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=gpu-scheduler-test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));

        // From yesterday on: the certificate is shown within the second in which it was made.
        var now = TimeProvider.System.GetUtcNow();
        using var withKey = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        var certificatePath = Path.Combine(folder, "serving.crt");
        var keyPath = Path.Combine(folder, "serving.key");
        File.WriteAllText(certificatePath, withKey.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportRSAPrivateKeyPem());
        return new ServingCertificate(
            X509CertificateLoader.LoadCertificate(withKey.RawData), certificatePath, keyPath);
    }

    /// <summary>A fresh copy of the certificate, for a client to trust and to dispose.</summary>
    public X509Certificate2 Copy() => X509CertificateLoader.LoadCertificate(_certificate.RawData);

    /// <summary>A client that trusts this certificate and no other.</summary>
    public HttpClient CreateHttpClient()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(_certificate);
        return new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
            UseProxy = false,
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _certificate.Dispose();
}
