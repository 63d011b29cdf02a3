using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace GpuScheduler.Benchmarks;

/// <summary>One keep-alive connection that posts and reads whole answers, with as little work of its own as possible.</summary>
internal sealed class RawHttpConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly string _host;
    private byte[] _buffer = new byte[1 << 20];

    private RawHttpConnection(Socket socket, string host)
    {
        _socket = socket;
        _host = host;
    }

    public static async Task<RawHttpConnection> OpenAsync(Uri url, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(url.Host, url.Port, cancellation);
        return new RawHttpConnection(socket, url.Authority);
    }

    /// <summary>Posts a body; the answer's body is read and thrown away. Throws unless the status is 200.</summary>
    public async Task PostAsync(string path, byte[] body, CancellationToken cancellation)
    {
        var head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"POST {path} HTTP/1.1\r\nHost: {_host}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"));
        await _socket.SendAsync(new List<ArraySegment<byte>> { head, body });
        var filled = 0;
        int end;
        while ((end = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            filled += await ReceiveAsync(filled, cancellation);
        }

        var header = Encoding.ASCII.GetString(_buffer, 0, end);
        if (!header.StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
        {
            throw new InvalidOperationException(header);
        }

        var at = header.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase);
        var line = header.IndexOf('\r', at);
        var length = int.Parse(header.AsSpan(at + 16, (line < 0 ? header.Length : line) - at - 16), CultureInfo.InvariantCulture);
        for (var left = end + 4 + length - filled; left > 0;)
        {
            left -= await ReceiveAsync(0, cancellation);
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<int> ReceiveAsync(int at, CancellationToken cancellation)
    {
        if (at == _buffer.Length)
        {
            Array.Resize(ref _buffer, at * 2);
        }

        var got = await _socket.ReceiveAsync(_buffer.AsMemory(at), cancellation);
        return got > 0 ? got : throw new IOException("the service closed the connection");
    }
}
