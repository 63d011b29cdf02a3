using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Benchmarks.Memory;

/// <summary>
/// An API server of nodes and pods alone, to list and to watch, with objects as large as real ones: a cluster of the size that is wanted without
/// the hours that a real one takes to be filled.
/// </summary>
internal sealed class PlayedCluster : IAsyncDisposable
{
    private static readonly string[] s_kinds = ["NVIDIA-H100-80GB-HBM3", "Tesla-V100-SXM2-32GB", "NVIDIA-A100-80GB-PCIe"];

    private readonly WebApplication _app;
    private readonly BenchCluster _objects;
    private readonly string _pod;
    private readonly Pod[] _pods;
    private readonly ConcurrentDictionary<Channel<string>, bool> _watches = new();
    private readonly Random _random = new(1);
    private long _version = 1000;

    private PlayedCluster(WebApplication app, int nodes, int pods)
    {
        _app = app;
        _objects = new BenchCluster(nodes);
        _pod = _objects.PodTemplate;

        // Of ten pods on a node three have GPUs, five of its eight.
        int[] gpus = [2, 2, 1, 0, 0, 0, 0, 0, 0, 0];
        _pods = [.. Enumerable.Range(0, pods).Select(i => new Pod($"pod-{i}", i % nodes, Enumerable.Range(0, i / nodes % 10).Sum(k => gpus[k]), gpus[i / nodes % 10]))];
    }

    /// <summary>Events that were sent.</summary>
    public long Events { get; private set; }

    public Uri Url { get; private set; } = null!;

    public static async Task<PlayedCluster> StartAsync(int nodes, int pods, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var cluster = new PlayedCluster(app, nodes, pods);
        app.MapGet("/api/v1/nodes", context => cluster.AnswerAsync(context, cluster._objects.NodeObjects.Length, i => cluster._objects.NodeObjects[i], feeds: false));
        app.MapGet("/api/v1/pods", context => cluster.AnswerAsync(context, cluster._pods.Length, i => cluster.Json(cluster._pods[i], bound: true), feeds: true));
        app.MapFallback(context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return context.Response.WriteAsync("""{"kind":"Status","code":404,"reason":"NotFound","message":"not in this cluster"}""");
        });
        await app.StartAsync(cancellation);
        cluster.Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return cluster;
    }

    /// <summary>A kubeconfig for it.</summary>
    public async Task<string> WriteKubeconfigAsync(CancellationToken cancellation)
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, $$"""
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "{{Url}}"} }]
            users: [{name: u, user: {token: t} }]
            contexts: [{name: x, context: {cluster: c, user: u} }]
            current-context: x
            """, cancellation);
        return path;
    }

    /// <summary>One pod ends and another takes its place: three events.</summary>
    public async Task ReplaceOneAsync(CancellationToken cancellation)
    {
        var i = _random.Next(_pods.Length);
        var gone = _pods[i];
        var next = gone with { Name = string.Create(CultureInfo.InvariantCulture, $"pod-{i}-{_version}") };
        _pods[i] = next;
        await SendAsync("DELETED", Json(gone, bound: true), cancellation);
        await SendAsync("ADDED", Json(next, bound: false), cancellation);
        await SendAsync("MODIFIED", Json(next, bound: true), cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var watch in _watches.Keys)
        {
            watch.Writer.TryComplete();
        }

        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task SendAsync(string type, string json, CancellationToken cancellation)
    {
        Events++;
        foreach (var watch in _watches.Keys)
        {
            // Bounded: what watches slower than it is told is waited for.
            await watch.Writer.WriteAsync($"{{\"type\":\"{type}\",\"object\":{json}}}\n", cancellation);
        }
    }

    private async Task AnswerAsync(HttpContext context, int count, Func<int, string> item, bool feeds)
    {
        context.Response.ContentType = "application/json";
        if (context.Request.Query.ContainsKey("watch"))
        {
            await WatchAsync(context, feeds);
            return;
        }

        var from = int.TryParse(context.Request.Query["continue"], CultureInfo.InvariantCulture, out var position) ? position : 0;
        var to = Math.Min(count, from + int.Parse(context.Request.Query["limit"]!, CultureInfo.InvariantCulture));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{{\"metadata\":{{\"resourceVersion\":\"{Interlocked.Read(ref _version)}\",\"continue\":\"{(to < count ? to : "")}\"}},\"items\":[");
        for (var i = from; i < to; i++)
        {
            text.Append(i > from ? "," : "").Append(item(i));
        }

        await context.Response.WriteAsync(text.Append("]}").ToString(), context.RequestAborted);
    }

    private async Task WatchAsync(HttpContext context, bool feeds)
    {
        var channel = Channel.CreateBounded<string>(1000);
        if (feeds)
        {
            _watches[channel] = true;
        }

        try
        {
            await context.Response.StartAsync(context.RequestAborted);
            await foreach (var line in channel.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync(line, context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // Who watched has gone.
        }
        finally
        {
            _watches.TryRemove(channel, out _);
            channel.Writer.TryComplete();
        }
    }

    private string Json(Pod pod, bool bound)
    {
        var node = JsonNode.Parse(_pod)!.AsObject();
        var metadata = node["metadata"]!.AsObject();
        metadata["name"] = pod.Name;
        metadata["uid"] = "uid-" + pod.Name;
        metadata["resourceVersion"] = Interlocked.Increment(ref _version).ToString(CultureInfo.InvariantCulture);
        var resources = new JsonObject { ["cpu"] = "1", ["memory"] = "1Gi" };
        if (pod.Gpus > 0)
        {
            resources["nvidia.com/gpu"] = pod.Gpus.ToString(CultureInfo.InvariantCulture);
        }

        node["spec"]!["containers"]![0]!["resources"] = new JsonObject { ["requests"] = resources };
        if (bound)
        {
            node["spec"]!["nodeName"] = _objects.Names[pod.Node];
            if (pod.Gpus > 0)
            {
                metadata["annotations"] = new JsonObject
                {
                    ["gpuscheduler.io/assigned-devices"] = $"[{string.Join(',', Enumerable.Range(pod.First, pod.Gpus).Select(g => $"{{\"gpu\":{g}}}"))}]",
                };
            }
        }

        return node.ToJsonString();
    }

    private sealed record Pod(string Name, int Node, int First, int Gpus);
}
