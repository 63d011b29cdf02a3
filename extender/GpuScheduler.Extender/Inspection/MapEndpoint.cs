using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Extender.Inspection;

/// <summary>GET /v1/map: the whole cluster in one compact answer, for the page. It is put together at most once a second, whoever asks.</summary>
internal sealed class MapEndpoint(ClusterState cluster, TimeProvider time)
{
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly string _process = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray().AsSpan(0, 4));
    private Built? _built;

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/map", ShowAsync);

    private async Task ShowAsync(HttpContext context)
    {
        var built = Build();
        var headers = context.Response.Headers;
        headers.ETag = built.Tag;
        headers.CacheControl = "no-cache";
        headers.Vary = "Accept-Encoding";
        if (context.Request.Headers.IfNoneMatch == built.Tag)
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        var zipped = context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        if (zipped)
        {
            headers.ContentEncoding = "gzip";
        }

        var body = zipped ? built.Zipped : built.Plain;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private Built Build()
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (_built is null || (now - _built.At >= s_least && cluster.Current.Generation != _built.Generation))
            {
                var snapshot = cluster.Current;
                var plain = new ArrayBufferWriter<byte>(64 * 1024);
                using (var json = new Utf8JsonWriter(plain))
                {
                    ClusterMap.Write(json, snapshot);
                }

                using var zipped = new MemoryStream();
                using (var zip = new GZipStream(zipped, CompressionLevel.Fastest))
                {
                    zip.Write(plain.WrittenSpan);
                }

                _built = new Built(now, snapshot.Generation, string.Create(CultureInfo.InvariantCulture, $"\"{_process}-{snapshot.Generation}\""), plain.WrittenMemory, zipped.ToArray());
            }

            return _built;
        }
    }

    private sealed record Built(DateTimeOffset At, long Generation, string Tag, ReadOnlyMemory<byte> Plain, ReadOnlyMemory<byte> Zipped);
}
