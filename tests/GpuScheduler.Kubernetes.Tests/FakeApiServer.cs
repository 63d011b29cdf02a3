using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;
using k8s;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>One answer of the fake API server.</summary>
internal delegate Task Answer(HttpContext context);

/// <summary>
/// An API server that says what a test tells it to, in that order: answers to lists, to watches and to other calls stand in queues of
/// their own, by path. What nobody told it how to answer stays open without a byte, as behind a broken network.
/// </summary>
internal sealed class FakeApiServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Answer>> _answers = new();
    private readonly ConcurrentDictionary<string, Channel<RecordedRequest>> _requests = new();
    private readonly ConcurrentDictionary<string, bool> _absent = new();
    private readonly CancellationTokenSource _end = new();
    private static readonly object s_body = new();

    private FakeApiServer(WebApplication app) => _app = app;

    public Uri Url { get; private set; } = null!;

    public static async Task<FakeApiServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(o => o.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var server = new FakeApiServer(app);
        app.Run(server.AnswerAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        server.Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return server;
    }

    public KubernetesConnection Connect(TimeProvider? time = null, TimeSpan? callTimeout = null) =>
        new(new KubernetesClientConfiguration { Host = Url.ToString(), AccessToken = "secret" }, new KubernetesConnectionOptions { CallTimeout = callTimeout ?? TimeSpan.FromSeconds(10) }, time);

    /// <summary>Adds an answer to a list of a resource, or to another call than a watch.</summary>
    public FakeApiServer On(string path, Answer answer) => Add(path, answer);

    /// <summary>Adds an answer to a watch.</summary>
    public FakeApiServer OnWatch(string path, Answer answer) => Add(path + "?watch", answer);

    /// <summary>A resource that the API server does not have, except for answers added.</summary>
    public FakeApiServer Without(string path)
    {
        _absent[path] = true;
        return this;
    }

    /// <summary>The next request to a path that was not looked at yet.</summary>
    public Task<RecordedRequest> RequestAsync(string path) => NextAsync(path);

    /// <summary>The next watch of a path that was not looked at yet.</summary>
    public Task<RecordedRequest> WatchAsync(string path) => NextAsync(path + "?watch");

    /// <summary>The body of the request that is being answered.</summary>
    public static string Body(HttpContext context) => (string)context.Items[s_body]!;

    /// <summary>How many requests to a path there were that were not looked at.</summary>
    public int Unseen(string path) => Requests(path).Reader.Count;

    public static Answer Json(string body, int status = 200) => async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(body), context.RequestAborted);
    };

    public static Answer Status(int code, string reason, string message = "said the test", string? retryAfter = null) => context =>
    {
        if (retryAfter is not null)
        {
            context.Response.Headers.RetryAfter = retryAfter;
        }

        return Json($$"""{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{{message}}","reason":"{{reason}}","code":{{code}} }""", code)(context);
    };

    /// <summary>Sends lines, and then ends the answer in order.</summary>
    public static Answer Lines(params string[] lines) => context => WriteAsync(context, lines);

    /// <summary>Sends lines, and then nothing more while the connection stays open.</summary>
    public static Answer LinesThenSilence(params string[] lines) => async context =>
    {
        await WriteAsync(context, lines);
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    };

    /// <summary>Sends lines, and then breaks the connection.</summary>
    public static Answer LinesThenBreak(params string[] lines) => async context =>
    {
        await WriteAsync(context, lines);

        // What was written must have left before the connection is reset.
        await Task.Delay(20);
        context.Abort();
    };

    /// <summary>Sends a text in pieces, each in a packet of its own.</summary>
    public static Answer Pieces(IEnumerable<string> pieces) => async context =>
    {
        await context.Response.StartAsync(context.RequestAborted);
        foreach (var piece in pieces)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(piece), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Yield();
        }
    };

    public static Answer Break() => context =>
    {
        context.Abort();
        return Task.CompletedTask;
    };

    /// <summary>A list of nodes of these names.</summary>
    public static string NodeList(string version, string[] names, string next = "") =>
        $$"""{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"{{version}}","continue":"{{next}}"},"items":[{{string.Join(',', names.Select(n => Node(n, version)))}}]}""";

    public static string Node(string name, string version) =>
        $$$$"""{"metadata":{"name":"{{{{name}}}}","resourceVersion":"{{{{version}}}}"},"status":{"allocatable":{"nvidia.com/gpu":"8"}}}""";

    public static string Event(string type, string name, string version) => Event(type, Node(name, version));

    public static string Bookmark(string version) =>
        Event("BOOKMARK", $$$"""{"kind":"Node","apiVersion":"v1","metadata":{"resourceVersion":"{{{version}}}","creationTimestamp":null},"spec":{}}""");

    public static string Error(int code, string reason) =>
        Event("ERROR", $$"""{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"said the test","reason":"{{reason}}","code":{{code}} }""");

    public static string Event(string type, string json) => $$"""{"type":"{{type}}","object":{{json}} }""";

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _end.Dispose();
    }

    private static async Task WriteAsync(HttpContext context, string[] lines)
    {
        context.Response.ContentType = "application/json";
        await context.Response.StartAsync(context.RequestAborted);
        foreach (var line in lines)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private FakeApiServer Add(string key, Answer answer)
    {
        _answers.GetOrAdd(key, _ => new()).Enqueue(answer);
        return this;
    }

    private Channel<RecordedRequest> Requests(string key) => _requests.GetOrAdd(key, _ => Channel.CreateUnbounded<RecordedRequest>());

    private async Task<RecordedRequest> NextAsync(string key) =>
        await Requests(key).Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    private async Task AnswerAsync(HttpContext context)
    {
        var key = context.Request.Path.Value + (context.Request.Query.ContainsKey("watch") ? "?watch" : "");
        using var body = new StreamReader(context.Request.Body);
        var text = await body.ReadToEndAsync(context.RequestAborted);
        context.Items[s_body] = text;
        var request = new RecordedRequest(
            context.Request.Method,
            context.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString()),
            text,
            context.Request.Headers.Authorization.ToString());
        Answer? answer = null;
        var known = _answers.TryGetValue(key, out var queue) && queue.TryDequeue(out answer);
        Requests(key).Writer.TryWrite(request);
        if (known)
        {
            await answer!(context);
            return;
        }

        if (_absent.ContainsKey(context.Request.Path.Value!))
        {
            await Status(404, "NotFound")(context);
            return;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _end.Token);
        await Task.Delay(Timeout.Infinite, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
    }
}

/// <summary>What the fake API server was asked.</summary>
internal sealed record RecordedRequest(string Method, IReadOnlyDictionary<string, string> Query, string Body, string Authorization)
{
    public string this[string parameter] => Query.GetValueOrDefault(parameter, "absent");
}
