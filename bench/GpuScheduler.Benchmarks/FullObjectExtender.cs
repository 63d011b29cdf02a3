using System.Globalization;
using System.Text.Json;
using k8s;
using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Benchmarks;

/// <summary>
/// The straightforward extender: every object of a request read into its model, every name a string, the answer serialized from
/// objects. It decides nothing. The yardstick for what reading less is worth.
/// </summary>
internal static class FullObjectExtender
{
    public static async Task<int> RunAsync(string url, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url).ConfigureKestrel(k => k.Limits.MaxRequestBodySize = 256 * 1024 * 1024);
        var app = builder.Build();
        app.MapGet("/readyz", () => "ok");
        app.MapGet("/metrics", () => string.Create(CultureInfo.InvariantCulture, $"dotnet_gc_heap_allocated_bytes_total {GC.GetTotalAllocatedBytes(precise: true)} 0\n"));
        app.MapPost("/filter", async (HttpContext context) =>
        {
            var args = await ReadAsync(context);
            await WriteAsync(context, new
            {
                args.Nodes,
                args.NodeNames,
                FailedNodes = new Dictionary<string, string>(),
                Error = "",
            });
        });
        app.MapPost("/prioritize", async (HttpContext context) =>
        {
            var args = await ReadAsync(context);
            var names = args.NodeNames ?? args.Nodes!.Items.Select(n => n.Metadata.Name);
            await WriteAsync(context, names.Select(n => new { Host = n, Score = 0 }).ToList());
        });
        await app.StartAsync(cancellation);
        await app.WaitForShutdownAsync(cancellation);
        return 0;
    }

    private static async Task<Args> ReadAsync(HttpContext context)
    {
        // KubernetesJson reads strings only; its models carry the converters.
        using var reader = new StreamReader(context.Request.Body);
        return KubernetesJson.Deserialize<Args>(await reader.ReadToEndAsync(context.RequestAborted));
    }

    private static async Task WriteAsync(HttpContext context, object answer)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(answer, answer.GetType());
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    private sealed class Args
    {
        [System.Text.Json.Serialization.JsonPropertyName("Pod")]
        public V1Pod? Pod { get; set; }

        [System.Text.Json.Serialization.JsonPropertyName("Nodes")]
        public V1NodeList? Nodes { get; set; }

        [System.Text.Json.Serialization.JsonPropertyName("NodeNames")]
        public List<string>? NodeNames { get; set; }
    }
}
