using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Xunit;

namespace GpuScheduler.Testing.Browsing;

/// <summary>A page in the browser.</summary>
public sealed class BrowserPage(Browser browser, string session, string context) : IAsyncDisposable
{
    private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Session => session;

    /// <summary>Errors and warnings of the console and of scripts.</summary>
    public ConcurrentQueue<string> Complaints { get; } = new();

    /// <summary>Everything that the page asked for, itself included.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public async ValueTask DisposeAsync() =>
        await browser.CallAsync(null, "Target.disposeBrowserContext", new JsonObject { ["browserContextId"] = context }, CancellationToken.None);

    public async Task LoadAsync(Uri address, int width, bool dark, CancellationToken cancellation)
    {
        foreach (var domain in new[] { "Page", "Runtime", "Log", "Network" })
        {
            await CallAsync(domain + ".enable", [], cancellation);
        }

        await CallAsync("Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = 900, ["deviceScaleFactor"] = 1, ["mobile"] = false }, cancellation);
        await CallAsync("Emulation.setEmulatedMedia", new JsonObject { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }) }, cancellation);
        await CallAsync("Page.navigate", new JsonObject { ["url"] = address.AbsoluteUri }, cancellation);
        await _loaded.Task.WaitAsync(TimeSpan.FromMinutes(1), cancellation);
        // Sizes are observed after layout: two frames later everything is drawn.
        await EvaluateAsync("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))", cancellation);
    }

    /// <summary>The value of an expression, as JSON.</summary>
    public async Task<JsonNode?> EvaluateAsync(string expression, CancellationToken cancellation)
    {
        var answer = await CallAsync("Runtime.evaluate", new JsonObject { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true }, cancellation);
        Assert.True(answer["exceptionDetails"] is null, answer.ToJsonString());
        return answer["result"]!["value"]?.DeepClone();
    }

    public async Task<T> EvaluateAsync<T>(string expression, CancellationToken cancellation) =>
        (await EvaluateAsync(expression, cancellation))!.GetValue<T>();

    /// <summary>Presses and releases a key in what has the focus.</summary>
    public async Task PressAsync(string key, CancellationToken cancellation)
    {
        foreach (var type in new[] { "keyDown", "keyUp" })
        {
            var parameters = new JsonObject { ["type"] = type, ["key"] = key, ["code"] = key };
            if (key.Length == 1)
            {
                parameters["text"] = key;
            }
            else if (key == "Enter")
            {
                parameters["windowsVirtualKeyCode"] = 13;
                parameters["text"] = "\r";
            }

            await CallAsync("Input.dispatchKeyEvent", parameters, cancellation);
        }
    }

    /// <summary>Waits until an expression is true, or fails with what it is then.</summary>
    public async Task WaitForAsync(string expression, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (!await EvaluateAsync<bool>($"!!({expression})", cancellation))
        {
            Assert.False(limit.IsCancellationRequested, $"this never came true: {expression}; the page complained of: {string.Join('\n', Complaints)}");
            await Task.Delay(50, cancellation);
        }
    }

    /// <summary>The whole page as PNG.</summary>
    public async Task<byte[]> ScreenshotAsync(CancellationToken cancellation)
    {
        var answer = await CallAsync("Page.captureScreenshot", new JsonObject { ["format"] = "png", ["captureBeyondViewport"] = true }, cancellation);
        return Convert.FromBase64String(answer["data"]!.GetValue<string>());
    }

    public void Happened(string method, JsonNode what)
    {
        switch (method)
        {
            case "Page.loadEventFired":
                _loaded.TrySetResult();
                break;
            case "Network.requestWillBeSent":
                Requests.Enqueue(what["request"]!["url"]!.GetValue<string>());
                break;
            case "Runtime.exceptionThrown" or "Log.entryAdded":
                Complaints.Enqueue(what.ToJsonString());
                break;
            case "Runtime.consoleAPICalled" when what["type"]!.GetValue<string>() is "error" or "warning" or "assert":
                Complaints.Enqueue(what.ToJsonString());
                break;
        }
    }

    public Task<JsonNode> CallAsync(string method, JsonObject parameters, CancellationToken cancellation) => browser.CallAsync(session, method, parameters, cancellation);
}
