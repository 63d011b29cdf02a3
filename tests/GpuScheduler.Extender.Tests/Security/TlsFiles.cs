using System.Security.Cryptography.X509Certificates;

namespace GpuScheduler.Extender.Tests.Security;

/// <summary>PEM files in a temporary folder, as a mounted Secret has them.</summary>
internal sealed class TlsFiles : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-scheduler-tls-").FullName;

    public string Certificate => Path.Combine(_folder, "tls.crt");

    public string Key => Path.Combine(_folder, "tls.key");

    public string ClientCa => Path.Combine(_folder, "ca.crt");

    public void WriteServer(X509Certificate2 certificate, params X509Certificate2[] chain)
    {
        File.WriteAllText(Certificate, string.Join('\n', chain.Prepend(certificate).Select(c => c.ExportCertificatePem())));
        File.WriteAllText(Key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    public void WriteClientCa(params X509Certificate2[] authorities) =>
        File.WriteAllText(ClientCa, string.Join('\n', authorities.Select(c => c.ExportCertificatePem())));

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
