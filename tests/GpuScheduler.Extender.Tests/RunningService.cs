using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>What a verb answered.</summary>
public sealed record Answer(HttpStatusCode Status, byte[] Body)
{
    private JsonElement? _json;

    public JsonElement Json => _json ??= JsonDocument.Parse(Body).RootElement;

    /// <summary>The Error property; "" when it is empty, null when there is none.</summary>
    public string? Error => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty(nameof(Error), out var error) ? error.GetString() : null;

    public override string ToString() => $"{(int)Status} {Encoding.UTF8.GetString(Body)}";
}

/// <summary>The whole service in this process, on free ports.</summary>
public sealed class RunningService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lazy<GrpcChannel> _channel;

    private RunningService(WebApplication app)
    {
        _app = app;
        Addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a))];
        Http = new HttpClient { BaseAddress = Addresses[0], Timeout = TimeSpan.FromSeconds(30) };
        _channel = new(() => GrpcChannel.ForAddress(Addresses[0]));
    }

    /// <summary>In order: those of Urls and HealthUrls.</summary>
    public IReadOnlyList<Uri> Addresses { get; }

    public HttpClient Http { get; }

    public GrpcChannel Grpc => _channel.Value;

    public IServiceProvider Services => _app.Services;

    /// <summary>Serves the example cluster, or what the settings name in its place.</summary>
    public static Task<RunningService> StartAsync(params (string Key, string? Value)[] settings) => StartWithAsync(null, settings);

    /// <summary>As <see cref="StartAsync"/>, with a file that has more settings.</summary>
    public static async Task<RunningService> StartWithAsync(string? configFile, params (string Key, string? Value)[] settings)
    {
        var all = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["Urls"] = "http://127.0.0.1:0",
            ["Cluster"] = Repository.ExampleCluster,
            ["Logging:LogLevel:Default"] = "None",
            ["Logging:LogLevel:Microsoft"] = "None",
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "None",
        };
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        var app = ExtenderHost.Build(configFile, all);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new RunningService(app);
    }

    public Task<Answer> PostAsync(string verb, string body) => PostAsync(verb, Encoding.UTF8.GetBytes(body));

    public async Task<Answer> PostAsync(string verb, byte[] body, bool chunked = false)
    {
        using HttpContent content = chunked ? new StreamContent(new ChunkedStream(body, () => 4096)) : new ByteArrayContent(body);
        content.Headers.ContentType = new("application/json");
        using var answer = await Http.PostAsync(new Uri(verb, UriKind.Relative), content, TestContext.Current.CancellationToken);
        return new Answer(answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    public async Task<Answer> GetAsync(string path, Uri? from = null)
    {
        using var answer = await Http.GetAsync(new Uri(from ?? Addresses[0], path), TestContext.Current.CancellationToken);
        return new Answer(answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        if (_channel.IsValueCreated)
        {
            _channel.Value.Dispose();
        }

        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}

/// <summary>One service on the example cluster for all tests that change nothing there but tentative holds.</summary>
public sealed class ExampleService : IAsyncLifetime
{
    public RunningService Service { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Service = await RunningService.StartAsync();

    public ValueTask DisposeAsync() => Service.DisposeAsync();
}
