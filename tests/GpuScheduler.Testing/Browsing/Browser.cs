using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace GpuScheduler.Testing.Browsing;

/// <summary>
/// A headless Chromium, spoken to over its own debugging protocol: the tests need a few of its methods, for which a browser-automation
/// package would bring a second runtime of a hundred megabytes.
/// </summary>
public class Browser : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _calls = new();
    private readonly ConcurrentDictionary<string, BrowserPage> _pages = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly string _profile = Directory.CreateTempSubdirectory("gpu-scheduler-browser-").FullName;
    private Process? _process;
    private Task _reading = Task.CompletedTask;
    private int _lastCall;

    /// <summary>The browser's program: CHROMIUM, else where Debian puts it; null when there is none.</summary>
    public static string? Program { get; } = Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named
        ? named
        : File.Exists("/usr/bin/chromium") ? "/usr/bin/chromium" : null;

    public async ValueTask InitializeAsync()
    {
        if (Program is null)
        {
            return;
        }

        var start = new ProcessStartInfo(Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in new[] { "--headless", "--remote-debugging-port=0", "--user-data-dir=" + _profile, "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars" })
        {
            start.ArgumentList.Add(argument);
        }

        if (Environment.IsPrivilegedProcess)
        {
            // Chromium refuses to run as root in its sandbox; the pages are our own.
            start.ArgumentList.Add("--no-sandbox");
        }

        _process = Process.Start(start)!;
        _process.BeginOutputReadLine();
        var address = new TaskCompletionSource<string>();
        var said = new ConcurrentQueue<string>();
        _process.ErrorDataReceived += (_, line) =>
        {
            const string Sign = "DevTools listening on ";
            said.Enqueue(line.Data ?? "");
            if (line.Data is null)
            {
                address.TrySetException(new InvalidOperationException($"{Program} ended before it listened:\n{string.Join('\n', said)}"));
            }
            else if (line.Data.StartsWith(Sign, StringComparison.Ordinal))
            {
                address.TrySetResult(line.Data[Sign.Length..]);
            }
        };
        _process.BeginErrorReadLine();
        await _socket.ConnectAsync(new Uri(await address.Task.WaitAsync(TimeSpan.FromMinutes(1))), _closing.Token);
        _reading = ReadAsync();
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        GC.SuppressFinalize(this);
        await _reading;
        _socket.Dispose();
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        _sending.Dispose();
        _closing.Dispose();
        try
        {
            Directory.Delete(_profile, recursive: true);
        }
        catch (IOException)
        {
            // A helper process of the browser was still writing; the folder is a temporary one.
        }
    }

    /// <summary>Opens a page of this width, or skips the test where there is no browser.</summary>
    public async Task<BrowserPage> OpenAsync(string path, int width, bool dark, CancellationToken cancellation)
    {
        Assert.SkipWhen(Program is null, "No browser: install chromium, or name its program in CHROMIUM.");
        // A context of its own: what one page stores, another does not see.
        var created = await CallAsync(null, "Target.createBrowserContext", [], cancellation);
        var context = created["browserContextId"]!.GetValue<string>();
        var target = await CallAsync(null, "Target.createTarget", new JsonObject { ["url"] = "about:blank", ["browserContextId"] = context }, cancellation);
        var attached = await CallAsync(null, "Target.attachToTarget", new JsonObject { ["targetId"] = target["targetId"]!.GetValue<string>(), ["flatten"] = true }, cancellation);
        var page = new BrowserPage(this, attached["sessionId"]!.GetValue<string>(), context);
        _pages[page.Session] = page;
        await page.LoadAsync(new Uri(path), width, dark, cancellation);
        return page;
    }

    public async Task<JsonNode> CallAsync(string? session, string method, JsonObject parameters, CancellationToken cancellation)
    {
        var id = Interlocked.Increment(ref _lastCall);
        var answer = _calls[id] = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (session is not null)
        {
            message["sessionId"] = session;
        }

        await _sending.WaitAsync(cancellation);
        try
        {
            await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, endOfMessage: true, cancellation);
        }
        finally
        {
            _sending.Release();
        }

        return await answer.Task.WaitAsync(TimeSpan.FromMinutes(1), cancellation);
    }

    private async Task ReadAsync()
    {
        var chunk = new byte[1 << 16];
        using var message = new MemoryStream();
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(chunk.AsMemory(), _closing.Token);
                message.Write(chunk, 0, part.Count);
                if (part.EndOfMessage)
                {
                    Received(JsonNode.Parse(message.GetBuffer().AsSpan(0, (int)message.Length))!);
                    message.SetLength(0);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            foreach (var call in _calls.Values)
            {
                call.TrySetException(new InvalidOperationException("The browser closed the connection.", e));
            }
        }
    }

    private void Received(JsonNode message)
    {
        if (message["id"] is { } id)
        {
            if (_calls.TryRemove(id.GetValue<int>(), out var call))
            {
                if (message["error"] is { } error)
                {
                    call.SetException(new InvalidOperationException(error.ToJsonString()));
                }
                else
                {
                    call.SetResult(message["result"]!);
                }
            }
        }
        else if (message["sessionId"] is { } session && _pages.TryGetValue(session.GetValue<string>(), out var page))
        {
            page.Happened(message["method"]!.GetValue<string>(), message["params"]!);
        }
    }
}
