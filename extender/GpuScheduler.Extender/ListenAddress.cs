using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace GpuScheduler.Extender;

/// <summary>An address to listen on: http or https, a host that is an IP address, localhost or * (all), and a port (0 for any free one).</summary>
internal sealed record ListenAddress(bool IsHttps, string Host, int Port)
{
    public bool IsLoopback => Host == "localhost" || (IPAddress.TryParse(Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    public static bool TryParse(string url, [NotNullWhen(true)] out ListenAddress? address, [NotNullWhen(false)] out string? why)
    {
        address = null;
        why = null;
        if (!Uri.TryCreate(url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https"))
        {
            why = "an address such as http://127.0.0.1:18888 or https://0.0.0.0:8443 is allowed";
            return false;
        }

        if (uri.PathAndQuery != "/")
        {
            why = "a path is not allowed; give it in the urlPrefix of kube-scheduler only if a proxy removes it";
            return false;
        }

        if (uri.HostNameType is UriHostNameType.Dns && uri.Host != "localhost")
        {
            why = $"\"{uri.Host}\" is a name: give the IP address to listen on, or 0.0.0.0 for all";
            return false;
        }

        address = new ListenAddress(uri.Scheme == "https", uri.Host, uri.Port);
        return true;
    }

    /// <summary>The addresses of an option, which separates them by ';'.</summary>
    public static string[] Split(string urls) => urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    public static IEnumerable<ListenAddress> ParseAll(string urls)
    {
        foreach (var url in Split(urls))
        {
            yield return TryParse(url, out var address, out var why) ? address : throw new ArgumentException($"{url}: {why}");
        }
    }

    public void Listen(KestrelServerOptions kestrel, Action<ListenOptions> configure)
    {
        if (Host == "localhost" && Port != 0)
        {
            kestrel.ListenLocalhost(Port, configure);
        }
        else
        {
            kestrel.Listen(Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(Host.Trim('[', ']')), Port, configure);
        }
    }
}
