using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GpuScheduler.Extender.Settings;

namespace GpuScheduler.Extender.Security;

/// <summary>
/// The certificates in use, read again from their files when these change. It looks at most every ten seconds, when somebody
/// connects. A file that cannot be read leaves the certificates as they are.
/// </summary>
internal sealed partial class CertificateStore(ExtenderOptions options, TimeProvider time, ILogger<CertificateStore> log)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly ExtenderOptions.TlsSettings _tls = options.Tls;

    /// <summary>Where tokens are good for something, who has one comes without a certificate: <see cref="AccessControl"/> then says for what.</summary>
    private readonly bool _mayLack = options.Access.Tokens;
    private string _stamp = "";
    private long _looked;
    private SslServerAuthenticationOptions? _current;

    /// <summary>What a new connection is to be secured with.</summary>
    public SslServerAuthenticationOptions Current
    {
        get
        {
            lock (_gate)
            {
                if (_current is null || time.GetElapsedTime(_looked) >= s_interval)
                {
                    _looked = time.GetTimestamp();
                    Refresh();
                }

                return _current!;
            }
        }
    }

    private void Refresh()
    {
        string stamp;
        try
        {
            stamp = FileStamp.Of(_tls.Certificate, _tls.Key, _tls.ClientCa);
        }
        catch (Exception e) when (_current is not null && e is IOException or UnauthorizedAccessException)
        {
            LogNotReloaded(log, e, _tls.Certificate!);
            return;
        }

        if (_current is not null && stamp == _stamp)
        {
            return;
        }

        try
        {
            var loaded = Load();
            var first = _current is null;
            (_current, _stamp) = (loaded, stamp);
            if (!first)
            {
                LogReloaded(log, _tls.Certificate!);
            }
        }
        catch (Exception e) when (_current is not null && e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            LogNotReloaded(log, e, _tls.Certificate!);
        }
    }

    private SslServerAuthenticationOptions Load()
    {
        using var pem = X509Certificate2.CreateFromPemFile(_tls.Certificate!, _tls.Key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_tls.Certificate!);

        // The key must not be ephemeral for some TLS stacks; a PKCS#12 round trip makes it an ordinary one.
        var leaf = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        var result = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(leaf, chain, offline: true),
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        };
        if (_tls.ClientCa is { Length: > 0 } file)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            if (authorities.Count == 0)
            {
                throw new CryptographicException($"{file} holds no certificate");
            }

            result.ClientCertificateRequired = true;
            result.RemoteCertificateValidationCallback = (_, certificate, sent, _) =>
                certificate is null ? _mayLack : certificate is X509Certificate2 client && IsTrusted(client, sent, authorities);
        }

        return result;
    }

    /// <summary>True for a client certificate that one of the authorities signed, directly or through others that the client sent.</summary>
    internal static bool IsTrusted(X509Certificate2 client, X509Chain? sent, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();

        // Authorities between the client and ours count when the client sends them; none is fetched from where a certificate says.
        chain.ChainPolicy.ExtraStore.AddRange(sent?.ChainPolicy.ExtraStore ?? []);
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        return chain.Build(client);
    }

    [LoggerMessage(1020, LogLevel.Information, "Certificates read again from {File}", EventName = "CertificatesReloaded")]
    private static partial void LogReloaded(ILogger log, string file);

    [LoggerMessage(1021, LogLevel.Error, "Certificates changed but cannot be read from {File}; the old ones stay in use", EventName = "CertificatesNotReloaded")]
    private static partial void LogNotReloaded(ILogger log, Exception exception, string file);
}
