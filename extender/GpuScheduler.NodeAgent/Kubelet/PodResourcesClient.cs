using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;

namespace GpuScheduler.NodeAgent.Kubelet;

/// <summary>Asks the kubelet which container holds which device. A kubelet that restarts is found again by its socket's path.</summary>
internal sealed class PodResourcesClient : IDisposable
{
    /// <summary>As the kubelet's own clients allow: many pods make long answers.</summary>
    private const int MostAnswerBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    private readonly string _socket;
    private readonly GrpcChannel _channel;
    private readonly PodResourcesLister.PodResourcesListerClient _client;

    public PodResourcesClient(string socket)
    {
        _socket = socket;
        var handler = new SocketsHttpHandler { ConnectCallback = ConnectAsync, PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2) };
        _channel = GrpcChannel.ForAddress("http://kubelet", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true, MaxReceiveMessageSize = MostAnswerBytes });
        _client = new PodResourcesLister.PodResourcesListerClient(_channel);
    }

    public void Dispose() => _channel.Dispose();

    /// <summary>What the kubelet has handed out; null, with the reason, when it does not say.</summary>
    public async Task<(ListPodResourcesResponse? Answer, string Why)> ListAsync(CancellationToken cancellationToken)
    {
        if (!Path.Exists(_socket))
        {
            return (null, $"the kubelet's socket {_socket} is not there: mount its folder, or give the path with --pod-resources-socket");
        }

        try
        {
            return (await _client.ListAsync(new ListPodResourcesRequest(), deadline: DateTime.UtcNow + s_limit, cancellationToken: cancellationToken), "");
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            var advice = e.StatusCode == StatusCode.Unimplemented ? ": this kubelet has no pod-resources API v1 (Kubernetes 1.20 or later has)" : "";
            return (null, $"the kubelet at {_socket} does not answer: {e.Status.StatusCode}, {e.Status.Detail}{advice}");
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socket), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
