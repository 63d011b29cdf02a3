using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace GpuScheduler.Extender.Observability;

/// <summary>Adds what lets others see how the service does.</summary>
internal static class ObservabilityExtensions
{
    /// <summary>Path below which OTLP over HTTP takes traces. Source: OTLP specification 1.0, "OTLP/HTTP Request".</summary>
    private const string HttpPath = "/v1/traces";

    public static IServiceCollection AddObservability(this IServiceCollection services, ExtenderOptions options)
    {
        services.AddSingleton<GangWaits>();
        services.AddSingleton<PodTraces>();
        services.AddHostedService<ClusterMetricsService>();
        if (options.Otlp is { Endpoint.Length: > 0 } otlp)
        {
            services.AddHostedService<TraceEnder>();
            services.AddOpenTelemetry().WithTracing(tracing => tracing
                .AddSource(PodTraces.SourceName)
                .SetResourceBuilder(ResourceBuilder.CreateDefault().AddService("gpu-scheduler-extender", serviceVersion: ClusterMetricsService.Version))
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(otlp.SampleRatio)))
                .AddOtlpExporter(exporter =>
                {
                    exporter.Protocol = otlp.Protocol == OtlpSettings.Http ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
                    exporter.Endpoint = Endpoint(otlp);
                    exporter.Headers = otlp.Headers.Length > 0 ? otlp.Headers : null;
                }));
        }

        return services;
    }

    private static Uri Endpoint(OtlpSettings otlp)
    {
        var endpoint = new Uri(otlp.Endpoint);
        return otlp.Protocol == OtlpSettings.Http && endpoint.AbsolutePath == "/" ? new Uri(endpoint, HttpPath) : endpoint;
    }
}
