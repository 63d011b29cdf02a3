using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace GpuScheduler.Kubectl.Transport;

/// <summary>The service itself, by its address.</summary>
internal sealed class DirectTransport : ITransport, IDisposable
{
    private readonly HttpClient _http;

    /// <summary>Prepares the way.</summary>
    /// <param name="server">Its address.</param>
    /// <param name="authorization">The Authorization header; null for none.</param>
    /// <param name="caFile">Authorities that its certificate is checked by, in PEM; null for those of the system.</param>
    /// <param name="serverName">The name that its certificate has to bear; null for that of its address.</param>
    /// <param name="client">A client certificate and its key, both in PEM; null for none.</param>
    /// <exception cref="UsageException">A file cannot be used.</exception>
    public DirectTransport(Uri server, string? authorization, string? caFile, string? serverName = null, (string Certificate, string Key)? client = null)
    {
        var handler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) };
        if (client is var (certificate, key))
        {
            try
            {
                handler.SslOptions.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, key)];
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                throw new UsageException($"--cert {certificate} and --key {key} cannot be used: {e.Message}", e);
            }
        }

        if (caFile is not null)
        {
            var authorities = new X509Certificate2Collection();
            try
            {
                authorities.ImportFromPemFile(caFile);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                throw new UsageException($"--ca {caFile} cannot be read: {e.Message}", e);
            }

            if (authorities.Count == 0)
            {
                throw new UsageException($"--ca {caFile} has no certificate in it: give a PEM file with BEGIN CERTIFICATE");
            }

            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        _http = new HttpClient(handler) { BaseAddress = server, Timeout = TimeSpan.FromSeconds(60) };

        // The handler takes the name to check from here, whatever its SslOptions say.
        _http.DefaultRequestHeaders.Host = serverName;
        if (authorization is not null)
        {
            _http.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(authorization);
        }
    }

    public string Target => $"gpu-scheduler at {_http.BaseAddress}";

    public void Dispose() => _http.Dispose();

    public async Task<Reply> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, new Uri(_http.BaseAddress!, path.TrimStart('/')));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/yaml") } };
        }

        try
        {
            using var answer = await _http.SendAsync(request, cancellation);
            return new Reply(answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(cancellation));
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new CannotException($"no answer from {Target}: {e.GetBaseException().Message}; check --server{(_http.BaseAddress!.Scheme == "https" ? " and --ca" : "")}, or leave --server out to go through the API server", e);
        }
    }
}
