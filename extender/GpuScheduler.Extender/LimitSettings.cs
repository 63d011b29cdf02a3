using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace GpuScheduler.Extender;

/// <summary>What is accepted.</summary>
public sealed class LimitSettings
{
    /// <summary>How long a caller may be slower than <see cref="LeastBytesPerSecond"/> before it is cut off: room for a network that stumbles.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);

    /// <summary>Largest request body in MiB. 5,000 full Node objects are about 20 to 75 MiB.</summary>
    public int MaxRequestBodyMiB { get; set; } = 128;

    /// <summary>Largest head of a request in KiB: the request line and all headers together.</summary>
    public int MaxRequestHeadersKiB { get; set; } = 32;

    /// <summary>
    /// Most connections at once; a further one is closed as it comes. A kube-scheduler without TLS has one for every member of a gang that
    /// waits at bind.
    /// </summary>
    public int MaxConnections { get; set; } = 4096;

    /// <summary>How long the head of a request may take to come.</summary>
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Least rate at which a body has to come, and an answer to be read, after five seconds.</summary>
    public int LeastBytesPerSecond { get; set; } = 1024;

    internal void Apply(KestrelServerLimits limits)
    {
        limits.MaxRequestBodySize = MaxRequestBodyMiB * 1024L * 1024;
        limits.MaxRequestHeadersTotalSize = MaxRequestHeadersKiB * 1024;
        limits.MaxRequestLineSize = Math.Min(8 * 1024, MaxRequestHeadersKiB * 1024);
        limits.MaxConcurrentConnections = MaxConnections;
        limits.RequestHeadersTimeout = HeadersTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(LeastBytesPerSecond, s_grace);
        limits.MinResponseDataRate = new MinDataRate(LeastBytesPerSecond, s_grace);
    }

    internal IEnumerable<string> Check()
    {
        if (MaxRequestBodyMiB is < 1 or > 2048)
        {
            yield return $"Limits:MaxRequestBodyMiB is {MaxRequestBodyMiB}: 1 to 2048 is allowed";
        }

        if (MaxRequestHeadersKiB is < 1 or > 1024)
        {
            yield return $"Limits:MaxRequestHeadersKiB is {MaxRequestHeadersKiB}: 1 to 1024 is allowed";
        }

        if (MaxConnections is < 16 or > 1_000_000)
        {
            yield return $"Limits:MaxConnections is {MaxConnections}: 16 to 1000000 is allowed";
        }

        if (HeadersTimeout < TimeSpan.FromMilliseconds(100) || HeadersTimeout > TimeSpan.FromMinutes(5))
        {
            yield return $"Limits:HeadersTimeout is {HeadersTimeout}: 00:00:00.1000000 to 00:05:00 is allowed";
        }

        if (LeastBytesPerSecond is < 1 or > 1_000_000)
        {
            yield return $"Limits:LeastBytesPerSecond is {LeastBytesPerSecond}: 1 to 1000000 is allowed";
        }
    }
}
