using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>
/// Plays the cluster's Service: what connects is passed on to the replica that says it is ready, as kube-proxy has it. Who comes while none is
/// is refused. Connections that stand are left alone when another replica gets ready.
/// </summary>
internal sealed class PlayedService : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(50);

    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(1) };
    private readonly ConcurrentDictionary<Uri, bool> _replicas = new();
    private readonly Task _accepting;
    private readonly Task _probing;
    private volatile Uri? _leader;

    public PlayedService(int port)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _accepting = AcceptAsync();
        _probing = ProbeAsync();
    }

    /// <summary>The replica that is ready; null while none is.</summary>
    public Uri? Leader => _leader;

    /// <summary>True once two replicas said at the same time that they are ready.</summary>
    public bool HadTwo { get; private set; }

    public void Add(Uri replica) => _replicas[replica] = true;

    public void Remove(Uri replica) => _replicas.TryRemove(replica, out _);

    /// <summary>Waits until another replica than this one is ready, and says how long that took.</summary>
    public async Task<TimeSpan> NextAsync(Uri? before, TimeSpan limit, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        while (_leader is not { } leader || leader == before)
        {
            if (clock.Elapsed > limit)
            {
                throw new TimeoutException($"no replica is ready after {limit}");
            }

            await Task.Delay(10, cancellation);
        }

        return clock.Elapsed;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await Task.WhenAll(_accepting, _probing);
        _http.Dispose();
        _end.Dispose();
    }

    private async Task ProbeAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            var ready = (await Task.WhenAll(_replicas.Keys.Select(IsReadyAsync))).OfType<Uri>().ToList();
            HadTwo |= ready.Count > 1;
            _leader = ready.FirstOrDefault();
            await Task.Delay(s_interval, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<Uri?> IsReadyAsync(Uri replica)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(replica, "/readyz"), _end.Token);
            return answer.IsSuccessStatusCode ? replica : null;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                _ = PassAsync(await _listener.AcceptTcpClientAsync(_end.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using (client)
        {
            if (_leader is not { } leader)
            {
                client.LingerState = new LingerOption(true, 0); // refused
                return;
            }

            try
            {
                using var server = new TcpClient();
                await server.ConnectAsync(leader.Host, leader.Port, _end.Token);
                client.NoDelay = server.NoDelay = true;
                var there = client.GetStream().CopyToAsync(server.GetStream(), _end.Token);
                var back = server.GetStream().CopyToAsync(client.GetStream(), _end.Token);
                await Task.WhenAny(there, back);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
            {
                // Either end has gone.
            }
        }
    }
}
