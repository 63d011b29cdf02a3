using System.Globalization;
using System.Net;
using System.Text;
using GpuScheduler.Kubectl;
using GpuScheduler.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubectl.Tests;

/// <summary>An API server with gpu-scheduler behind its proxy, and gpu-scheduler itself: both answer what the test has put there.</summary>
public sealed class StandInCluster : IAsyncDisposable
{
    private const string Proxy = "/api/v1/namespaces/gpu-scheduler/services/https:gpu-scheduler-extender:8443/proxy";

    private readonly Dictionary<string, (HttpStatusCode Status, string Body)> _answers = new(StringComparer.Ordinal);
    private readonly string _kubeconfig = Path.GetTempFileName();
    private WebApplication _app = null!;

    /// <summary>Where it is.</summary>
    public string Address => _app.Urls.First();

    /// <summary>The requests that came: method, path and Authorization header.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>The body of the last request that had one.</summary>
    public string LastBody { get; private set; } = "";

    public static async Task<StandInCluster> StartAsync()
    {
        var it = new StandInCluster();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        it._app = builder.Build();
        it._app.Urls.Add("http://127.0.0.1:0");
        it._app.Run(it.AnswerAsync);
        await it._app.StartAsync();
        await File.WriteAllTextAsync(it._kubeconfig, $$"""
            apiVersion: v1
            kind: Config
            current-context: here
            contexts:
            - name: here
              context: {cluster: here, user: me, namespace: ml}
            clusters:
            - name: here
              cluster: {server: "{{it.Address}}"}
            users:
            - name: me
              user: {token: secret}
            """);
        return it;
    }

    /// <summary>The service answers so, by the proxy and directly.</summary>
    public StandInCluster Service(string path, string body, HttpStatusCode status = HttpStatusCode.OK)
    {
        _answers[Proxy + path] = _answers[path] = (status, body);
        return this;
    }

    /// <summary>The API server answers so.</summary>
    public StandInCluster Api(string path, string body)
    {
        _answers[path] = (HttpStatusCode.OK, body);
        return this;
    }

    /// <summary>Runs the plugin through the API server.</summary>
    public Task<(int Code, string Out, string Error)> RunAsync(params string[] args) => RunAloneAsync([.. args, "--kubeconfig", _kubeconfig]);

    /// <summary>Runs the plugin as it is called.</summary>
    public static async Task<(int Code, string Out, string Error)> RunAloneAsync(params string[] args)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        using var errors = new StringWriter(CultureInfo.InvariantCulture);
        var time = new ManualTimeProvider();
        time.Advance(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero) - time.GetUtcNow());
        var code = await KubectlProgram.RunAsync(args, output, errors, new StringReader("kind: Pod"), time);
        return (code, output.ToString(), errors.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        File.Delete(_kubeconfig);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var path = context.Request.Path.Value + context.Request.QueryString.Value!.Replace("?limit=500", "", StringComparison.Ordinal).Replace("&limit=500", "", StringComparison.Ordinal);
        Requests.Add($"{context.Request.Method} {path} {context.Request.Headers.Authorization}");
        if (await reader.ReadToEndAsync() is { Length: > 0 } body)
        {
            LastBody = body;
        }

        // As each says that it does not know the path.
        var (status, answer) = _answers.TryGetValue(path, out var found) ? found
            : path.StartsWith(Proxy, StringComparison.Ordinal) || !path.StartsWith("/api", StringComparison.Ordinal)
                ? (HttpStatusCode.NotFound, "gpu-scheduler extender: POST /filter")
                : (HttpStatusCode.NotFound, """{"kind":"Status","message":"the server could not find the requested resource"}""");
        context.Response.StatusCode = (int)status;
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer));
    }
}
