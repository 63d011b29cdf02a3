using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>What is too much, too large or too slow costs its sender the connection, and others nothing.</summary>
public sealed class LimitsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_head_that_is_too_large_is_refused()
    {
        await using var service = await RunningService.StartAsync(("Limits:MaxRequestHeadersKiB", "4"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/healthz");
        request.Headers.Add("X-Much", new string('a', 5000));
        using var answer = await service.Http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, answer.StatusCode);
        Assert.Equal("200 ok\n", (await service.GetAsync("/healthz")).ToString());
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused_before_it_is_read()
    {
        await using var service = await RunningService.StartAsync(("Limits:MaxRequestBodyMiB", "1"));
        var answer = await service.PostAsync("filter", new byte[2 * 1024 * 1024]);
        Assert.Equal("the body is larger than Limits:MaxRequestBodyMiB allows", answer.Error);
        Assert.Equal("200 ok\n", (await service.GetAsync("/healthz")).ToString());
    }

    [Fact]
    public async Task One_connection_more_than_allowed_is_closed_and_place_is_made_again()
    {
        await using var service = await RunningService.StartAsync(("Limits:MaxConnections", "16"));
        var held = new List<TcpClient>();
        for (var i = 0; i < 16; i++)
        {
            held.Add(await ConnectAsync(service));
            Assert.Contains("200 OK", await AskAsync(held[^1]), StringComparison.Ordinal);
        }

        using (var extra = await ConnectAsync(service))
        {
            Assert.Equal("", await AskAsync(extra));
        }

        held.ForEach(c => c.Dispose());
        for (var answer = ""; !answer.Contains("200 OK", StringComparison.Ordinal); await Task.Delay(20, Cancellation))
        {
            using var again = await ConnectAsync(service);
            answer = await AskAsync(again);
        }
    }

    [Fact]
    public async Task A_head_that_trickles_is_given_up()
    {
        await using var service = await RunningService.StartAsync(("Limits:HeadersTimeout", "00:00:00.5"));
        using var client = await ConnectAsync(service);
        await client.GetStream().WriteAsync("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: "u8.ToArray(), Cancellation);
        var answer = await ReadAsync(client);
        Assert.Contains(" 408 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_trickles_is_given_up()
    {
        await using var service = await RunningService.StartAsync(("Limits:LeastBytesPerSecond", "100000"));
        using var client = await ConnectAsync(service);
        await client.GetStream().WriteAsync("POST /filter HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{\"Pod\":"u8.ToArray(), Cancellation);

        // The service hangs up on it: after five seconds of grace.
        var answer = await ReadAsync(client);
        Assert.DoesNotContain("NodeNames\":[", answer, StringComparison.Ordinal);
        Assert.Equal("200 ok\n", (await service.GetAsync("/healthz")).ToString());
    }

    private static async Task<TcpClient> ConnectAsync(RunningService service)
    {
        var client = new TcpClient();
        await client.ConnectAsync(service.Addresses[0].Host, service.Addresses[0].Port, Cancellation);
        return client;
    }

    /// <summary>The head of the answer; "" when the connection was closed.</summary>
    private static async Task<string> AskAsync(TcpClient client)
    {
        try
        {
            await client.GetStream().WriteAsync("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), Cancellation);
            var buffer = new byte[4096];
            var read = await client.GetStream().ReadAsync(buffer, Cancellation);
            return Encoding.ASCII.GetString(buffer, 0, read);
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>All that comes until the service hangs up.</summary>
    private static async Task<string> ReadAsync(TcpClient client)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using var all = new MemoryStream();
        try
        {
            await client.GetStream().CopyToAsync(all, limit.Token);
        }
        catch (IOException)
        {
            // A reset is hanging up, too.
        }

        return Encoding.ASCII.GetString(all.ToArray());
    }
}
