using System.Collections.Concurrent;
using GpuScheduler.Extender.Tests.Observability.Otlp;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Extender.Tests.Observability;

/// <summary>A collector of traces in this process, over gRPC or over HTTP, that keeps what arrives.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Span> _spans = [];
    private readonly ConcurrentQueue<string> _headers = [];
    private readonly ConcurrentQueue<string> _services = [];

    private OtlpReceiver(bool grpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = grpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        if (grpc)
        {
            _app.MapGrpcService<Service>();
        }
        else
        {
            _app.MapPost("/v1/traces", async (HttpRequest request) =>
            {
                using var body = new MemoryStream();
                await request.Body.CopyToAsync(body);
                Keep(ExportTraceServiceRequest.Parser.ParseFrom(body.ToArray()), request.Headers.Authorization.ToString());
                return Results.Bytes(new ExportTraceServiceResponse().ToByteArray(), "application/x-protobuf");
            });
        }
    }

    public string Endpoint => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public IReadOnlyCollection<Span> Spans => _spans;

    public IReadOnlyCollection<string> Authorizations => _headers;

    public IReadOnlyCollection<string> Services => _services;

    public static async Task<OtlpReceiver> StartAsync(bool grpc)
    {
        var receiver = new OtlpReceiver(grpc);
        await receiver._app.StartAsync(Xunit.TestContext.Current.CancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void Keep(ExportTraceServiceRequest request, string authorization)
    {
        _headers.Enqueue(authorization);
        foreach (var resource in request.ResourceSpans)
        {
            _services.Enqueue(resource.Resource.Attributes.First(a => a.Key == "service.name").Value.StringValue);
            foreach (var span in resource.ScopeSpans.SelectMany(s => s.Spans))
            {
                _spans.Enqueue(span);
            }
        }
    }

    private sealed class Service(OtlpReceiver receiver) : TraceService.TraceServiceBase
    {
        public override Task<ExportTraceServiceResponse> Export(ExportTraceServiceRequest request, global::Grpc.Core.ServerCallContext context)
        {
            receiver.Keep(request, context.RequestHeaders.GetValue("authorization") ?? "");
            return Task.FromResult(new ExportTraceServiceResponse());
        }
    }
}
