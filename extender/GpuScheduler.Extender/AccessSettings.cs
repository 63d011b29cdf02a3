namespace GpuScheduler.Extender;

/// <summary>Who may look, beside holders of a client certificate; see docs/security.md.</summary>
public sealed class AccessSettings
{
    /// <summary>
    /// True to want a client certificate of Tls:ClientCa or a bearer token for everything but health and the verbs: inspection (/v1), gRPC,
    /// and metrics where they are not on a port of HealthUrls. The API server is asked whether the token's owner may.
    /// </summary>
    public bool Tokens { get; set; }

    /// <summary>How long the API server's answer counts: a right that is taken away ends so much later.</summary>
    public TimeSpan KeepAnswers { get; set; } = TimeSpan.FromSeconds(30);

    internal IEnumerable<string> Check(ExtenderOptions options)
    {
        if (KeepAnswers < TimeSpan.Zero || KeepAnswers > TimeSpan.FromMinutes(10))
        {
            yield return $"Access:KeepAnswers is {KeepAnswers}: 00:00:00 to 00:10:00 is allowed";
        }

        if (!Tokens)
        {
            yield break;
        }

        if (options.Cluster is { Length: > 0 })
        {
            yield return "Access:Tokens is true and Cluster (a snapshot file) is set: there is no API server to ask; set one of them alone";
        }

        foreach (var url in ListenAddress.Split(options.Urls))
        {
            if (ListenAddress.TryParse(url, out var address, out _) && address is { IsHttps: false, IsLoopback: false })
            {
                yield return $"Access:Tokens is true and Urls has \"{url}\": tokens would cross the network in the clear; use https:// or a loopback address";
            }
        }
    }
}
