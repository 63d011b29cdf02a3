using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GpuScheduler.Extender.Security;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Aggregation;

namespace GpuScheduler.Extender.ExternalMetrics;

/// <summary>
/// Knows the API server's aggregator by its client certificate, and asks what those may see for whom it calls. Until it is known how to tell
/// the aggregator, nobody is let in.
/// </summary>
internal sealed partial class FrontProxy(IAggregation aggregation, CertificateStore certificates, TimeProvider time, ILogger<FrontProxy> log) : BackgroundService
{
    /// <summary>Members may do everything. Source: k8s.io/apiserver pkg/authentication/user SystemPrivilegedGroup.</summary>
    private const string Masters = "system:masters";

    /// <summary>Most answers that are remembered.</summary>
    private const int MostRemembered = 1024;

    private static readonly TimeSpan s_refresh = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(5);

    /// <summary>As long as the delegated authorization of Kubernetes' own servers remembers a yes.</summary>
    private static readonly TimeSpan s_remember = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, (bool Allowed, long At)> _answers = new(StringComparer.Ordinal);
    private volatile FrontProxyTrust? _trust;
    private volatile X509Certificate2Collection _authorities = [];

    /// <summary>How its connections are secured: by the certificate that everybody gets, and with one of the aggregator.</summary>
    public SslServerAuthenticationOptions Tls => new()
    {
        ServerCertificateContext = certificates.Current.ServerCertificateContext,
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, certificate, sent, _) => certificate is X509Certificate2 client && IsAggregator(client, sent),
    };

    /// <summary>For whom a request is made; null when it does not say.</summary>
    public (string User, string[] Groups)? CallerOf(HttpRequest request)
    {
        if (_trust is not { } trust || trust.UserHeaders.Select(h => request.Headers[h].ToString()).FirstOrDefault(u => u.Length > 0) is not { } user)
        {
            return null;
        }

        return (user, [.. trust.GroupHeaders.SelectMany(h => request.Headers[h]).OfType<string>()]);
    }

    /// <summary>Whether a caller may list a metric in a namespace.</summary>
    /// <exception cref="KubernetesApiException">It could not be asked.</exception>
    public async Task<bool> MayListAsync((string User, string[] Groups) caller, string apiGroup, string podNamespace, string metric, CancellationToken cancellation)
    {
        if (caller.Groups.Contains(Masters))
        {
            return true;
        }

        var key = string.Join('\n', [podNamespace, metric, caller.User, .. caller.Groups]);
        if (_answers.TryGetValue(key, out var known) && time.GetElapsedTime(known.At) < s_remember)
        {
            return known.Allowed;
        }

        var allowed = await aggregation.MayListAsync(caller.User, caller.Groups, apiGroup, podNamespace, metric, cancellation);
        if (_answers.Count >= MostRemembered)
        {
            _answers.Clear();
        }

        _answers[key] = (allowed, time.GetTimestamp());
        return allowed;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RefreshAsync(stoppingToken);
            }
            catch (Exception e) when (e is KubernetesApiException or CryptographicException)
            {
                LogNotKnown(log, e.Message);
            }

            await Task.Delay(_trust is null ? s_retry : s_refresh, time, stoppingToken);
        }
    }

    internal async Task RefreshAsync(CancellationToken cancellation)
    {
        var trust = await aggregation.ReadTrustAsync(cancellation);
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(trust.Authorities);
        (_authorities, _trust) = (authorities, trust);
    }

    /// <summary>True for a certificate of the aggregator.</summary>
    internal bool IsAggregator(X509Certificate2 client, X509Chain? sent) =>
        _trust is { } trust
        && (trust.AllowedNames.IsEmpty || trust.AllowedNames.Contains(client.GetNameInfo(X509NameType.SimpleName, forIssuer: false)))
        && CertificateStore.IsTrusted(client, sent, _authorities);

    [LoggerMessage(1080, LogLevel.Warning, "It is not known how to tell the API server's aggregator, so that external metrics are served to nobody, or as before; it is tried again. {Why}", EventName = "FrontProxyUnknown")]
    private static partial void LogNotKnown(ILogger log, string why);
}
